#pragma once

// The last 512 bytes of every object file: what the store knows about the object, in the same file as its bytes, so that one rename
// replaces both. Works on every file system (extended attributes and sidecar files do not).

#include <cstdint>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace vora::storage {

inline constexpr int64_t kTrailerBytes = 512;

struct Trailer {
  int64_t size = 0;
  int64_t modified_unix_ms = 0;
  std::string etag;          // 32 hex digits, random: another one with every Put
  std::string multipart_id;  // 32 hex digits or empty; tells a repeated CompleteMultipart that it has succeeded before
  std::string content_type;
  std::string copied_from;  // what PutOptions has
};

// kTrailerBytes long. Text that does not fit is a broken invariant (ValidatePutOptions comes first).
std::string EncodeTrailer(const Trailer& trailer);
// DATA_LOSS when the magic, the CRC-32 or a length is wrong.
StatusOr<Trailer> DecodeTrailer(std::string_view bytes);
// Reads the trailer of an open object file; DATA_LOSS when the file is no whole object.
StatusOr<Trailer> ReadTrailer(int fd);

}  // namespace vora::storage
