#pragma once

// The engine's schema: migrations/*.sql, built in. Apply with pg::Migrate(db, "workflow", Migrations()) before the engine starts.

#include <vector>

#include "libs/pg/migrate.h"

namespace vora::workflow {

const std::vector<pg::Migration>& Migrations();

}  // namespace vora::workflow
