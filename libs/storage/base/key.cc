#include "libs/storage/base/key.h"

#include <algorithm>
#include <string>

#include "libs/core/error.h"
#include "libs/core/text.h"

namespace vora::storage {
namespace {

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

}  // namespace

Status ValidateKey(std::string_view key) {
  if (key.empty()) return InvalidArgument("object key: empty, must have 1 to 1024 bytes");
  if (key.size() > kMaxKeyBytes) {
    return InvalidArgument("object key: " + std::to_string(key.size()) + " bytes long, at most 1024 are allowed");
  }
  if (std::any_of(key.begin(), key.end(), IsControl)) return InvalidArgument("object key: has a control character");
  if (!IsValidUtf8(key)) return InvalidArgument("object key: is not valid UTF-8");
  size_t begin = 0;
  while (true) {
    size_t end = std::min(key.find('/', begin), key.size());
    std::string_view segment = key.substr(begin, end - begin);
    // The local store makes folders of segments, and HTTP clients and proxies fold `.` and `..` away before they send a URL.
    if (segment.empty() || segment == "." || segment == "..") {
      return InvalidArgument("object key: segments between slashes must not be empty, '.' or '..'");
    }
    if (end == key.size()) return absl::OkStatus();
    begin = end + 1;
  }
}

Status ValidateContentType(std::string_view content_type) {
  if (content_type.empty() || content_type.size() > 255 || !IsPrintable(content_type)) {
    return InvalidArgument("content type: must be 1 to 255 characters of printable ASCII");
  }
  return absl::OkStatus();
}

Status ValidateCopiedFrom(std::string_view etag) {
  if (etag.size() <= kMaxCopiedFrom && IsPrintable(etag)) return absl::OkStatus();
  return InvalidField("copied_from", "must be an ETag of at most 128 characters of printable ASCII");
}

Status ValidatePutOptions(const PutOptions& options) {
  if (options.if_absent && options.if_match) return InvalidField("put", "if_absent and if_match exclude each other");
  if (options.if_match && options.if_match->empty()) return InvalidField("put", "if_match is an empty ETag");
  if (options.if_match &&
      std::any_of(options.if_match->begin(), options.if_match->end(), [](char c) { return IsControl(c) || c == '"'; })) {
    return InvalidField("put", "if_match has a quote or a control character");
  }
  VORA_RETURN_IF_ERROR(ValidateCopiedFrom(options.copied_from));
  return ValidateContentType(options.content_type);
}

Status ValidateMultipartOptions(const MultipartOptions& options) {
  if (options.part_size < kMinPartSize || options.part_size > kMaxPartSize) {
    return InvalidField("multipart", "part_size is " + std::to_string(options.part_size) + ", must be 5 MiB to 5 GiB");
  }
  VORA_RETURN_IF_ERROR(ValidateCopiedFrom(options.copied_from));
  return ValidateContentType(options.content_type);
}

Status ValidatePartNumber(int number) {
  if (number >= 1 && number <= kMaxParts) return absl::OkStatus();
  return InvalidField("multipart", "part number is " + std::to_string(number) + ", must be 1 to 10000");
}

Status ValidatePartList(const std::vector<CompletedPart>& parts) {
  if (parts.empty()) return InvalidField("multipart", "the part list is empty");
  if (parts.size() > static_cast<size_t>(kMaxParts)) return InvalidField("multipart", "more than 10000 parts");
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].number != static_cast<int>(i) + 1) {
      return InvalidField("multipart", "part " + std::to_string(i + 1) + " is missing from the list or out of order");
    }
    if (parts[i].etag.empty()) return InvalidField("multipart", "part " + std::to_string(i + 1) + " has no ETag");
  }
  return absl::OkStatus();
}

Status ValidateOffset(int64_t offset) {
  return offset < 0 ? InvalidField("read", "offset is " + std::to_string(offset) + ", must not be negative") : absl::OkStatus();
}

Status NoSuchMultipart(const std::string& id) { return NotFound("multipart upload " + id + " does not exist"); }

}  // namespace vora::storage
