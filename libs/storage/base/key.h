#pragma once

// What every store checks before it touches anything: keys, content types, part lists. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/storage/base/object_store.h"

namespace vora::storage {

inline constexpr size_t kMaxKeyBytes = 1024;
inline constexpr size_t kMaxCopiedFrom = 128;
inline constexpr int kMaxParts = 10'000;
inline constexpr int64_t kMinPartSize = 5 << 20;
inline constexpr int64_t kMaxPartSize = int64_t{5} << 30;

// INVALID_ARGUMENT unless `key` keeps the rules of object_store.h. Control characters are refused as well: XML 1.0, in which
// S3 lists objects, cannot carry them.
Status ValidateKey(std::string_view key);

// Printable ASCII of at most 255 bytes: it becomes an HTTP header.
Status ValidateContentType(std::string_view content_type);

// Printable ASCII of at most 128 bytes, for the same reason; empty: no copy.
Status ValidateCopiedFrom(std::string_view etag);

Status ValidatePutOptions(const PutOptions& options);
Status ValidateMultipartOptions(const MultipartOptions& options);
Status ValidatePartNumber(int number);
// Numbers 1, 2, 3 ... in order, at least one, at most kMaxParts, none without an ETag.
Status ValidatePartList(const std::vector<CompletedPart>& parts);
// INVALID_ARGUMENT when negative.
Status ValidateOffset(int64_t offset);
// What every store answers when there is no such multipart upload.
Status NoSuchMultipart(const std::string& id);

}  // namespace vora::storage
