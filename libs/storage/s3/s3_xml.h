#pragma once

// The few XML documents of S3 that Vora reads and writes. Pure. Strict: INTERNAL names what is wrong in a document.
// Document type declarations are refused, so entities cannot blow up.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/storage/base/object_store.h"

namespace vora::storage {

// Answer of ListObjectsV2. Keys are decoded; `next_token` is empty on the last page.
StatusOr<ListPage> ParseListObjects(std::string_view xml);
// The upload id of an InitiateMultipartUploadResult.
StatusOr<std::string> ParseCreateMultipart(std::string_view xml);

struct S3PartPage {
  struct Part {
    int number = 0;
    int64_t size = 0;
    std::string etag;
  };
  std::vector<Part> parts;
  std::string next_marker;  // empty: no more
};
// Answer of ListParts.
StatusOr<S3PartPage> ParseListParts(std::string_view xml);

struct S3Error {
  std::string code;
  std::string message;
};
// nullopt when `xml` is not an <Error> document, nor one of STS, which puts it into an <ErrorResponse> (proxies answer in HTML).
std::optional<S3Error> ParseS3Error(std::string_view xml);

std::string FormatCompleteMultipart(const std::vector<CompletedPart>& parts);

// Without the quotes and the weakness mark that stores put around an ETag.
std::string UnquoteEtag(std::string_view etag);

}  // namespace vora::storage
