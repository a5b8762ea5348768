#include "libs/media/base/media_error.h"

#include <cstdio>

#include "libs/core/error.h"

namespace vora::media {

std::optional<MediaFault> AsMediaFault(const Status& status) {
  const std::string reason = DetailOf(status).reason;
  if (reason.rfind("media.", 0) != 0) return std::nullopt;
  return MediaFault{reason, Message(status)};
}

std::string SecondsText(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", seconds);
  return text;
}

}  // namespace vora::media
