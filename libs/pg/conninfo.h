#pragma once

#include <chrono>
#include <map>
#include <string>

#include "libs/core/status.h"

namespace vora::pg {

// `url` (URI or keyword string) as a libpq keyword string with `defaults` for what it does not say itself, and with limits on how long a
// dead server goes unnoticed. INVALID_ARGUMENT without the password in it when libpq cannot read `url`.
StatusOr<std::string> ConnectionString(const std::string& url, const std::map<std::string, std::string>& defaults);

}  // namespace vora::pg
