#include "libs/core/error.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

namespace vora {
namespace {

constexpr std::array kKinds = {errors::kBadRequest,
                               errors::kMethodNotAllowed,
                               errors::kRequestTimeout,
                               errors::kPayloadTooLarge,
                               errors::kUnsupportedMediaType,
                               errors::kExpectationFailed,
                               errors::kOverloaded,
                               errors::kHeaderTooLarge,
                               errors::kHttpVersionNotSupported,
                               errors::kRangeNotSatisfiable,
                               errors::kIdempotencyKeyReused,
                               errors::kRequestInProgress,
                               errors::kNotPlayableYet,
                               errors::kVideoFailed,
                               errors::kVideoCancelled,
                               errors::kUnsupportedChecksum,
                               errors::kUploadFinished,
                               errors::kUploadNotFound,
                               errors::kOffsetConflict,
                               errors::kUploadGone,
                               errors::kUnsupportedTusVersion,
                               errors::kUploadTooLarge,
                               errors::kBodyTooLong,
                               errors::kUploadLocked,
                               errors::kUploadTakenOver,
                               errors::kChecksumMismatch,
                               errors::kTooManyUploads,
                               errors::kDraining,
                               errors::kStoreCredentials,
                               errors::kTokenMissing,
                               errors::kTokenMalformed,
                               errors::kTokenAlgorithm,
                               errors::kTokenUnknownKey,
                               errors::kTokenSignature,
                               errors::kTokenExpired,
                               errors::kTokenNotYetValid,
                               errors::kTokenAudience,
                               errors::kTokenIssuer,
                               errors::kTokenClaims,
                               errors::kTokenScope,
                               errors::kMediaEmpty,
                               errors::kMediaUnreadable,
                               errors::kMediaTruncated,
                               errors::kMediaNoVideo,
                               errors::kMediaNoAudio,
                               errors::kMediaTooLarge,
                               errors::kMediaTooLong,
                               errors::kMediaNotAVideo,
                               errors::kMediaEncrypted,
                               errors::kMediaExternalReference,
                               errors::kMediaUnsupportedCodec,
                               errors::kMediaBadDimensions,
                               errors::kMediaNoFrameRate,
                               errors::kMediaNoFrames,
                               errors::kImportNotFound,
                               errors::kImportRefused,
                               errors::kImportBadUrl,
                               errors::kImportNotAFile,
                               errors::kImportTooLarge,
                               errors::kImportChanged};

// The payload: five lines, of reason, field, limit, offset and retry_after.
constexpr char kPayload[] = "vora.error";

// A line break in one part would shift those after it; parts may quote what clients sent.
std::string OneLine(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return std::iscntrl(c) != 0; }, '?');
  return line;
}

std::string_view TakeLine(std::string_view& rest) {
  const size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

std::optional<int64_t> Number(std::string_view text) {
  int64_t value = 0;
  const bool read = std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
  return read ? std::optional(value) : std::nullopt;
}

}  // namespace

Status MakeError(const ErrorKind& kind, std::string_view message, ErrorDetail detail) {
  detail.reason = kind.reason;
  return WithDetail(MakeStatus(kind.code, message), detail);
}

Status InvalidField(std::string_view field, std::string_view message, std::string_view limit) {
  std::string text(field);
  text.append(": ").append(message);
  return WithDetail(InvalidArgument(text), {.field = std::string(field), .limit = std::string(limit)});
}

Status WithDetail(Status status, const ErrorDetail& detail) {
  if (status.ok()) return status;
  std::string payload = OneLine(detail.reason) + "\n" + OneLine(detail.field) + "\n" + OneLine(detail.limit) + "\n";
  if (detail.offset) payload += std::to_string(*detail.offset);
  payload += "\n" + std::to_string(detail.retry_after);
  status.SetPayload(kPayload, absl::Cord(payload));
  return status;
}

ErrorDetail DetailOf(const Status& status) {
  ErrorDetail detail;
  if (status.ok()) return detail;
  if (const auto payload = status.GetPayload(kPayload)) {
    const std::string text(*payload);
    std::string_view rest = text;
    detail.reason = TakeLine(rest);
    detail.field = TakeLine(rest);
    detail.limit = TakeLine(rest);
    detail.offset = Number(TakeLine(rest));
    detail.retry_after = Number(rest).value_or(0);
  }
  if (detail.reason.empty()) detail.reason = CodeName(status.code());
  return detail;
}

bool IsError(const Status& status, const ErrorKind& kind) { return status.code() == kind.code && DetailOf(status).reason == kind.reason; }

const ErrorKind* FindErrorKind(std::string_view reason) {
  const auto* found = std::find_if(kKinds.begin(), kKinds.end(), [&](const ErrorKind& kind) { return kind.reason == reason; });
  return found == kKinds.end() ? nullptr : found;
}

int ErrorKindCount() { return static_cast<int>(kKinds.size()); }

}  // namespace vora
