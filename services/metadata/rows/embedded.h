#pragma once

// Texts built into the binary.

#include <string_view>
#include <vector>

#include "libs/pg/migrate.h"

namespace vora::metadata {

const std::vector<pg::Migration>& Migrations();
std::string_view OpenApiDocument();  // openapi.json, with the version of this build

}  // namespace vora::metadata
