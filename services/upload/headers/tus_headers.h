#pragma once

// Headers of tus 1.0.0 (https://tus.io/protocols/resumable-upload) as pure functions: text in, values or a refusal out. The status of
// a refusal (libs/core/error.h) names the header, or the metadata key.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/core/status.h"
#include "libs/http/message/message.h"

namespace vora::upload {

inline constexpr std::string_view kTusVersion = "1.0.0";
inline constexpr std::string_view kTusExtensions = "creation,creation-with-upload,creation-defer-length,termination,checksum,expiration";
inline constexpr std::string_view kChecksumAlgorithms = "sha1,sha256,crc32";
inline constexpr std::string_view kOffsetOctetStream = "application/offset+octet-stream";

// Decoded Upload-Metadata in the order sent; values are bytes.
using Metadata = std::vector<std::pair<std::string, std::string>>;

struct Checksum {
  std::string algorithm;  // sha1, sha256 or crc32
  std::string digest;     // raw bytes, as long as the algorithm's digest
};

struct CreateRequest {
  std::optional<int64_t> length;  // absent: deferred
  std::string metadata_header;    // as sent, for HEAD
  Metadata metadata;
  bool has_body = false;  // creation-with-upload
  std::optional<Checksum> checksum;
};

struct PatchRequest {
  int64_t offset = 0;
  std::optional<int64_t> length;  // declares a deferred length
  std::optional<Checksum> checksum;
};

// Digits only, no sign, at most 2^63-1; nullopt otherwise.
std::optional<int64_t> ParseCount(std::string_view text);

// "Upload-Metadata": comma-separated `key base64` pairs, keys unique. 400 naming the key. An empty header is no metadata.
StatusOr<Metadata> ParseMetadata(std::string_view header);
std::optional<std::string> FindMetadata(const Metadata& metadata, std::string_view key);
// The key `sha256` as 64 lower-case hex digits; absent: empty. 400 when it is anything else.
StatusOr<std::string> WholeFileSha256(const Metadata& metadata);
// What becomes the video's: the keys `priority` (libs/core/priority.h), `external_id` and `label.KEY` (libs/core/labels.h). 400 naming what
// is wrong with one of them.
Status CheckVideoMetadata(const Metadata& metadata);

// "Upload-Checksum: algorithm base64". 400 for an unknown algorithm, bad base64 or a digest of the wrong length.
StatusOr<Checksum> ParseChecksum(std::string_view header);

// 413: a body of `body_bytes` where only `room` bytes are missing.
Status BodyTooLong(int64_t body_bytes, int64_t room);

// 412 when Tus-Resumable is missing or another version.
Status CheckVersion(const http::Headers& headers);
// The request's method, or the one X-HTTP-Method-Override asks for (upper case).
std::string EffectiveMethod(std::string_view method, const http::Headers& headers);

// POST: 400, 413 (more than `max_bytes`), 415 (a body that is no application/offset+octet-stream).
// `content_length` is absent for a chunked body.
StatusOr<CreateRequest> ParseCreate(const http::Headers& headers, std::optional<int64_t> content_length, int64_t max_bytes);
// PATCH: 400, 413, 415.
StatusOr<PatchRequest> ParsePatch(const http::Headers& headers, int64_t max_bytes);

// The absolute URL of an upload: `public_url` (no trailing slash) if set, else scheme and host as the client used them
// (X-Forwarded-Proto and -Host, then Host); just the path when the host is not a plain host[:port].
std::string LocationOf(const http::Headers& headers, std::string_view public_url, std::string_view path);

}  // namespace vora::upload
