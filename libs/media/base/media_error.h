#pragma once

// Errors of the media itself: permanent, with a stable code, which is the reason of one of the kinds errors::kMedia..., and a message that
// a person understands.

#include <optional>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace vora::media {

struct MediaFault {
  std::string code;
  std::string message;
};

// nullopt when `status` is something else (a fault of the store, of memory, of this program).
std::optional<MediaFault> AsMediaFault(const Status& status);
// `12.3 s`, as messages tell lengths.
std::string SecondsText(double seconds);

}  // namespace vora::media
