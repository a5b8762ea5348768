#pragma once

// Errors of the media itself: permanent, with a stable code and a message that a person understands. They travel as FAILED_PRECONDITION
// whose message is "code: message", e.g. "media.no_video: The file has sound but no picture."

#include <optional>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace vora::media {

inline constexpr std::string_view kEmpty = "media.empty";
inline constexpr std::string_view kUnreadable = "media.unreadable";
inline constexpr std::string_view kTruncated = "media.truncated";
inline constexpr std::string_view kNoVideo = "media.no_video";
inline constexpr std::string_view kTooLarge = "media.too_large";
inline constexpr std::string_view kTooLong = "media.too_long";
// A playlist, a list of files, a picture, a document: something that is no film, however it is named.
inline constexpr std::string_view kNotAVideo = "media.not_a_video";
// The film lies in another file that this one names; it is never opened.
inline constexpr std::string_view kExternalReference = "media.external_reference";
inline constexpr std::string_view kUnsupportedCodec = "media.unsupported_codec";

struct MediaFault {
  std::string code;
  std::string message;
};

Status MediaError(std::string_view code, std::string_view message);
// nullopt when `status` is something else (a fault of the store, of memory, of this program).
std::optional<MediaFault> AsMediaFault(const Status& status);
// `12.3 s`, as messages tell lengths.
std::string SecondsText(double seconds);

}  // namespace vora::media
