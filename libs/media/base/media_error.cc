#include "libs/media/base/media_error.h"

#include <cstdio>

namespace vora::media {

Status MediaError(std::string_view code, std::string_view message) {
  return FailedPrecondition(std::string(code) + ": " + std::string(message));
}

std::optional<MediaFault> AsMediaFault(const Status& status) {
  if (status.code() != StatusCode::kFailedPrecondition) return std::nullopt;
  const std::string text = Message(status);
  const size_t colon = text.find(": ");
  if (text.rfind("media.", 0) != 0 || colon == std::string::npos) return std::nullopt;
  return MediaFault{text.substr(0, colon), text.substr(colon + 2)};
}

std::string SecondsText(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", seconds);
  return text;
}

}  // namespace vora::media
