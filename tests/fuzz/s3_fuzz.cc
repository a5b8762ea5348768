// What a store of others answers, as XML, and what hands out its keys.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/core/encoding.h"
#include "libs/core/time.h"
#include "libs/storage/s3/s3_key_answers.h"
#include "libs/storage/s3/s3_xml.h"
#include "tests/fuzz/require.h"

namespace vora::storage {
namespace {

void Read(std::string_view text) {
  const auto page = ParseListObjects(text);
  if (page.ok()) {
    for (const ObjectInfo& object : page->objects) Require(object.size >= 0);
  } else {
    Require(page.status().code() == StatusCode::kInternal && !Message(page.status()).empty());
  }
  const auto upload = ParseCreateMultipart(text);
  Require(upload.ok() ? !upload->empty() : upload.status().code() == StatusCode::kInternal);
  const auto parts = ParseListParts(text);
  if (parts.ok()) {
    for (const auto& part : parts->parts) Require(part.number >= 1 && part.size >= 0);
  } else {
    Require(parts.status().code() == StatusCode::kInternal && !Message(parts.status()).empty());
  }
  // One document is one thing.
  Require(page.ok() + upload.ok() + parts.ok() + ParseS3Error(text).has_value() <= 1);
  // Years 0 to 9999, and an offset of less than a day.
  constexpr int64_t kDayMs = 86'400'000;
  if (const auto ms = ParseRfc3339(text)) Require(*ms > -62'167'219'200'000 - kDayMs && *ms < 253'402'300'800'000 + kDayMs);
  UnquoteEtag(text);
  const auto role = ParseAssumedRole(text), document = ParseKeyDocument(text);
  for (const auto& keys : {role, document}) {
    if (!keys.ok()) {
      Require(keys.status().code() == StatusCode::kInternal && !Message(keys.status()).empty());
      continue;
    }
    Require(keys->expires_at.has_value());
    // They become headers.
    for (const std::string* part : {&keys->access_key, &keys->secret_key, &keys->session_token}) {
      Require(!part->empty() && part->find_first_of("\r\n ") == std::string::npos);
    }
  }
  Require(!(role.ok() && document.ok()));
  Require(ParseRoleName(text).find_first_of("/\r\n") == std::string::npos);
}

// Any key comes back from a list as it was stored.
void List(std::string_view key) {
  const auto page = ParseListObjects(
      "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated><Contents><Key>" + PercentEncode(key) +
      "</Key><LastModified>2026-11-20T09:06:58Z</LastModified><ETag>\"e\"</ETag><Size>1</Size></Contents></ListBucketResult>");
  Require(page.ok() && page->objects.size() == 1 && page->objects[0].key == key && page->objects[0].etag == "e");
}

}  // namespace
}  // namespace vora::storage

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  vora::storage::Read(text);
  vora::storage::List(text);
  return 0;
}
