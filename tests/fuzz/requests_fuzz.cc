// What a request asks for: its target, the path of an object, Range and If-None-Match.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/core/encoding.h"
#include "libs/http/message/message.h"
#include "libs/http/message/target.h"
#include "libs/layout/delivery_path.h"
#include "tests/fuzz/require.h"

namespace vora {
namespace {

// A range lies within the resource, and written again is the same.
void ReadRange(std::string_view text, int64_t size) {
  const auto range = http::ParseRange(text, size);
  if (!range || !*range) return;
  const http::ByteRange bytes = **range;
  Require(bytes.first >= 0 && bytes.first <= bytes.last && bytes.last < size);
  const auto again = http::ParseRange("bytes=" + std::to_string(bytes.first) + "-" + std::to_string(bytes.last), size);
  Require(again && *again && (*again)->first == bytes.first && (*again)->last == bytes.last);
}

void ReadTags(std::string_view text) {
  http::EtagMatches(text, "\"x\"");
  Require(http::EtagMatches("\"x\", " + std::string(text), "\"x\""));
}

// No way leads up, however it is spelled; segments written again are the same.
void ReadTarget(std::string_view text) {
  const auto target = http::ParseTarget(text);
  if (!target.ok()) return Require(target.status().code() == StatusCode::kInvalidArgument && !Message(target.status()).empty());
  if (text == "*") return;
  Require(target->path.starts_with('/') && target->path.find('\0') == std::string::npos);
  Require(("/" + target->path + "/").find("/../") == std::string::npos);
  std::string again;
  for (const std::string& segment : target->segments) again += "/" + PercentEncode(segment);
  const auto reread = http::ParseTarget(again.empty() ? "/" : again);
  Require(reread.ok() && reread->segments == target->segments);
}

void ReadObjectPath(std::string_view text) {
  const auto path = layout::ParseDeliveryPath(text);
  if (path) Require(path->Relative() == text && !path->content_type.empty() && text.find("..") == std::string_view::npos);
}

}  // namespace
}  // namespace vora

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const int64_t bytes : {int64_t{0}, int64_t{1}, int64_t{1000}, INT64_MAX}) vora::ReadRange(text, bytes);
  vora::ReadTags(text);
  vora::ReadTarget(text);
  vora::ReadObjectPath(text);
  return 0;
}
