#pragma once

// Who may use which route of the REST API.

#include <optional>
#include <string>

#include "libs/core/caller.h"

namespace vora::metadata {

// The scope a route asks for; nullopt: it is public. Aborts for a route that is not in the table, so that none is open by oversight.
std::optional<Scope> ScopeOfRoute(const std::string& method, const std::string& pattern);

}  // namespace vora::metadata
