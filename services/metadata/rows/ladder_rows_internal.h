#pragma once

// The ladder of a new video, inside its transaction. Heavy (pqxx).

#include <string>

#include <pqxx/pqxx>

#include "libs/core/status.h"

namespace vora::metadata {

// Tenant, name and body of the ladder that new videos of tenant $1 get when nothing is said: its own choice before the installation's.
extern const char kDefaultLadder[];
// The newest version of the ladder that the tenant has, or is offered, under `name`, as JSON; empty: its default. INVALID_ARGUMENT naming
// `ladder`: there is none.
StatusOr<std::string> LadderOfNewVideo(pqxx::transaction_base& tx, const std::string& tenant, const std::string& name);

}  // namespace vora::metadata
