#pragma once

// Small files that are there whole or not at all.

#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace vora {

// `text` as the file `path`, in place of what was there, durable when it returns OK. Folders that are missing are made, `path.new` is used
// on the way. UNAVAILABLE says what could not be done.
Status WriteWholeFile(const std::string& path, std::string_view text, unsigned mode = 0644);

}  // namespace vora
