#pragma once

// What a program is told of an error beside its code and the words for people. Made where the error is found, carried by the Status, and
// read by whoever answers: over HTTP as `reason`, `field` and `limit` of the JSON body, over gRPC as google.rpc.ErrorInfo and BadRequest.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace vora {

struct ErrorDetail {
  std::string reason{};             // lower snake case; without one of its own, the code's name: "invalid_argument"
  std::string field{};              // what is wrong in the request: a field (`webhook.url`), a header, a query parameter, a metadata key
  std::string limit{};              // the limit that it breaks, with its unit: "200 characters"
  std::optional<int64_t> offset{};  // bytes: where a refused upload has to go on
  int64_t retry_after{};            // seconds, when trying again later makes sense and somebody knows when; 0: nobody does
};

// An error that programs tell apart, so that it has a reason of its own. docs/errors.md lists them; its test compares.
struct ErrorKind {
  std::string_view reason;
  StatusCode code;
  int http_status;
  bool names_code = true;  // `code` of the HTTP body is the reason in capitals, as clients know it; else the code's name
};

namespace errors {
// Of requests over HTTP.
inline constexpr ErrorKind kBadRequest{"bad_request", StatusCode::kInvalidArgument, 400};
inline constexpr ErrorKind kMethodNotAllowed{"method_not_allowed", StatusCode::kUnimplemented, 405};
inline constexpr ErrorKind kRequestTimeout{"request_timeout", StatusCode::kDeadlineExceeded, 408};
inline constexpr ErrorKind kPayloadTooLarge{"payload_too_large", StatusCode::kOutOfRange, 413};
inline constexpr ErrorKind kUnsupportedMediaType{"unsupported_media_type", StatusCode::kInvalidArgument, 415};
inline constexpr ErrorKind kExpectationFailed{"expectation_failed", StatusCode::kInvalidArgument, 417};
inline constexpr ErrorKind kOverloaded{"overloaded", StatusCode::kUnavailable, 503, false};
inline constexpr ErrorKind kHeaderTooLarge{"header_too_large", StatusCode::kOutOfRange, 431};
inline constexpr ErrorKind kHttpVersionNotSupported{"http_version_not_supported", StatusCode::kUnimplemented, 505};
inline constexpr ErrorKind kRangeNotSatisfiable{"range_not_satisfiable", StatusCode::kOutOfRange, 416};
inline constexpr ErrorKind kIdempotencyKeyReused{"idempotency_key_reused", StatusCode::kInvalidArgument, 422};
inline constexpr ErrorKind kRequestInProgress{"request_in_progress", StatusCode::kAborted, 409};
// Of playback.
inline constexpr ErrorKind kNotPlayableYet{"not_playable_yet", StatusCode::kNotFound, 404, false};
inline constexpr ErrorKind kVideoFailed{"video_failed", StatusCode::kNotFound, 404, false};
inline constexpr ErrorKind kVideoCancelled{"video_cancelled", StatusCode::kNotFound, 404, false};
// Of uploads; 460 is tus 1.0.0's for a checksum that does not match.
inline constexpr ErrorKind kUnsupportedChecksum{"unsupported_checksum", StatusCode::kInvalidArgument, 400};
inline constexpr ErrorKind kUploadFinished{"upload_finished", StatusCode::kFailedPrecondition, 403};
inline constexpr ErrorKind kUploadNotFound{"upload_not_found", StatusCode::kNotFound, 404};
inline constexpr ErrorKind kOffsetConflict{"offset_conflict", StatusCode::kAborted, 409};
inline constexpr ErrorKind kUploadGone{"upload_gone", StatusCode::kNotFound, 410};
inline constexpr ErrorKind kUnsupportedTusVersion{"unsupported_tus_version", StatusCode::kFailedPrecondition, 412};
inline constexpr ErrorKind kUploadTooLarge{"upload_too_large", StatusCode::kOutOfRange, 413};
inline constexpr ErrorKind kBodyTooLong{"body_too_long", StatusCode::kOutOfRange, 413};
inline constexpr ErrorKind kUploadLocked{"upload_locked", StatusCode::kAborted, 423};
inline constexpr ErrorKind kUploadTakenOver{"upload_taken_over", StatusCode::kAborted, 423};
inline constexpr ErrorKind kChecksumMismatch{"checksum_mismatch", StatusCode::kInvalidArgument, 460};
inline constexpr ErrorKind kTooManyUploads{"too_many_uploads", StatusCode::kUnavailable, 503};
inline constexpr ErrorKind kDraining{"draining", StatusCode::kUnavailable, 503};
// Of the object store, whatever was asked of it.
inline constexpr ErrorKind kStoreCredentials{"store_credentials", StatusCode::kUnavailable, 503, false};
// Of tokens.
inline constexpr ErrorKind kTokenMissing{"token_missing", StatusCode::kUnauthenticated, 401, false};
inline constexpr ErrorKind kTokenMalformed{"token_malformed", StatusCode::kUnauthenticated, 401, false};
inline constexpr ErrorKind kTokenAlgorithm{"token_algorithm", StatusCode::kUnauthenticated, 401, false};
inline constexpr ErrorKind kTokenUnknownKey{"token_unknown_key", StatusCode::kUnauthenticated, 401, false};
inline constexpr ErrorKind kTokenSignature{"token_signature", StatusCode::kUnauthenticated, 401, false};
inline constexpr ErrorKind kTokenExpired{"token_expired", StatusCode::kUnauthenticated, 401, false};
inline constexpr ErrorKind kTokenNotYetValid{"token_not_yet_valid", StatusCode::kUnauthenticated, 401, false};
inline constexpr ErrorKind kTokenAudience{"token_audience", StatusCode::kUnauthenticated, 401, false};
inline constexpr ErrorKind kTokenIssuer{"token_issuer", StatusCode::kUnauthenticated, 401, false};
inline constexpr ErrorKind kTokenClaims{"token_claims", StatusCode::kUnauthenticated, 401, false};
inline constexpr ErrorKind kTokenScope{"token_scope", StatusCode::kPermissionDenied, 403, false};
// Of the video file itself: permanent, so nothing is tried again.
inline constexpr ErrorKind kMediaEmpty{"media.empty", StatusCode::kFailedPrecondition, 409, false};
inline constexpr ErrorKind kMediaUnreadable{"media.unreadable", StatusCode::kFailedPrecondition, 409, false};
inline constexpr ErrorKind kMediaTruncated{"media.truncated", StatusCode::kFailedPrecondition, 409, false};
inline constexpr ErrorKind kMediaNoVideo{"media.no_video", StatusCode::kFailedPrecondition, 409, false};
inline constexpr ErrorKind kMediaNoAudio{"media.no_audio", StatusCode::kFailedPrecondition, 409, false};
inline constexpr ErrorKind kMediaTooLarge{"media.too_large", StatusCode::kFailedPrecondition, 409, false};
inline constexpr ErrorKind kMediaTooLong{"media.too_long", StatusCode::kFailedPrecondition, 409, false};
// A playlist, a list of files, a picture, a document: something that is no video, however it is named.
inline constexpr ErrorKind kMediaNotAVideo{"media.not_a_video", StatusCode::kFailedPrecondition, 409, false};
// The video lies in another file that this one names; it is never opened.
inline constexpr ErrorKind kMediaExternalReference{"media.external_reference", StatusCode::kFailedPrecondition, 409, false};
inline constexpr ErrorKind kMediaEncrypted{"media.encrypted", StatusCode::kFailedPrecondition, 409, false};
inline constexpr ErrorKind kMediaUnsupportedCodec{"media.unsupported_codec", StatusCode::kFailedPrecondition, 409, false};
inline constexpr ErrorKind kMediaBadDimensions{"media.bad_dimensions", StatusCode::kFailedPrecondition, 409, false};
inline constexpr ErrorKind kMediaNoFrameRate{"media.no_frame_rate", StatusCode::kFailedPrecondition, 409, false};
inline constexpr ErrorKind kMediaNoFrames{"media.no_frames", StatusCode::kFailedPrecondition, 409, false};
// Of a file that is imported: permanent, but for one that changed, which is looked at anew.
inline constexpr ErrorKind kImportNotFound{"import.not_found", StatusCode::kNotFound, 404, false};
inline constexpr ErrorKind kImportRefused{"import.refused", StatusCode::kPermissionDenied, 403, false};
inline constexpr ErrorKind kImportBadUrl{"import.bad_url", StatusCode::kInvalidArgument, 400, false};
inline constexpr ErrorKind kImportNotAFile{"import.not_a_file", StatusCode::kFailedPrecondition, 409, false};
inline constexpr ErrorKind kImportTooLarge{"import.too_large", StatusCode::kOutOfRange, 413, false};
inline constexpr ErrorKind kImportChanged{"import.changed", StatusCode::kFailedPrecondition, 409, false};
}  // namespace errors

// A status of the kind's code with `detail`; the kind's reason goes before the detail's.
Status MakeError(const ErrorKind& kind, std::string_view message, ErrorDetail detail = {});
// INVALID_ARGUMENT "field: message", of which programs can read field and limit.
Status InvalidField(std::string_view field, std::string_view message, std::string_view limit = {});

// `status` with `detail` in place of what it had; OK stays OK.
Status WithDetail(Status status, const ErrorDetail& detail);
// What was attached, with the code's name as reason when there was none; all empty for OK.
ErrorDetail DetailOf(const Status& status);
// Whether the status was made of this kind.
bool IsError(const Status& status, const ErrorKind& kind);
// The kind with this reason; nullptr: none has it.
const ErrorKind* FindErrorKind(std::string_view reason);
int ErrorKindCount();

}  // namespace vora
