// The headers of uploads: lines `Name: value`, and one value as what each header may hold.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/core/encoding.h"
#include "libs/core/error.h"
#include "libs/core/text.h"
#include "services/upload/headers/tus_headers.h"
#include "tests/fuzz/require.h"

namespace vora::upload {
namespace {

constexpr int64_t kMaxBytes = 1'000'000;

// A refusal is text for people, whatever bytes it speaks of.
void Judge(const Status& refusal) {
  const http::Response answer = http::ErrorResponse(refusal);
  const std::string message = Message(refusal);
  Require(answer.status >= 400 && answer.status < 500 && !DetailOf(refusal).field.empty() && !message.empty());
  Require(std::all_of(message.begin(), message.end(), [](char c) { return c >= 0x20 && c < 0x7f; }));
}

// What was read, written again, is read as the same.
void ReadMetadata(std::string_view text) {
  const StatusOr<Metadata> parsed = ParseMetadata(text);
  if (!parsed.ok()) return Judge(parsed.status());
  const Metadata& metadata = *parsed;
  std::string again;
  for (const auto& [key, value] : metadata) {
    Require(FindMetadata(metadata, key) == value);
    again += (again.empty() ? "" : ",") + key + " " + Base64Encode(value);
  }
  const StatusOr<Metadata> reread = ParseMetadata(again);
  Require(reread.ok() && *reread == metadata);
}

void ReadChecksum(std::string_view text) {
  const StatusOr<Checksum> parsed = ParseChecksum(text);
  if (!parsed.ok()) return Judge(parsed.status());
  const Checksum& checksum = *parsed;
  const StatusOr<Checksum> reread = ParseChecksum(checksum.algorithm + " " + Base64Encode(checksum.digest));
  Require(reread.ok() && reread->digest == checksum.digest);
}

void ReadCount(std::string_view text) {
  const auto count = ParseCount(text);
  if (!count) return;
  std::string_view digits = TrimBlanks(text);
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  Require(*count >= 0 && digits == std::to_string(*count));
}

http::Headers Lines(std::string_view text) {
  http::Headers headers;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos) headers.Add(line.substr(0, colon), TrimBlanks(line.substr(colon + 1)));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return headers;
}

void ReadRequest(std::string_view text) {
  const http::Headers headers = Lines(text);
  if (const Status version = CheckVersion(headers); !version.ok()) Judge(version);
  const StatusOr<CreateRequest> create = ParseCreate(headers, static_cast<int64_t>(text.size()), kMaxBytes);
  if (!create.ok()) {
    Judge(create.status());
  } else {
    const auto length = create->length;
    Require(!length || (*length >= 0 && *length <= kMaxBytes));
    Require(length.has_value() != headers.Has("Upload-Defer-Length"));
  }
  const StatusOr<PatchRequest> patch = ParsePatch(headers, kMaxBytes);
  if (!patch.ok()) {
    Judge(patch.status());
  } else {
    Require(patch->offset >= 0);
  }
  // No line break of the client's gets into a header of the answer.
  const std::string location = LocationOf(headers, "", "/files/x");
  Require(location.ends_with("/files/x") && location.find_first_of("\r\n") == std::string::npos);
  EffectiveMethod("POST", headers);
}

}  // namespace
}  // namespace vora::upload

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  vora::upload::ReadMetadata(text);
  vora::upload::ReadChecksum(text);
  vora::upload::ReadCount(text);
  vora::upload::ReadRequest(text);
  return 0;
}
