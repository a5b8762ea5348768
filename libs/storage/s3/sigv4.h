#pragma once

// AWS Signature Version 4 (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html), and Google's of the same
// form (https://cloud.google.com/storage/docs/authentication/signatures). Pure. Own code, as libcurl 7.88 signs `?uploads`, unsorted
// queries and reserved characters wrongly.

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/core/clock.h"

namespace vora::storage {

// What differs between vendors: names and words, never the calculation.
struct SigningDialect {
  std::string header_prefix = "x-amz-";  // of the vendor's own headers
  std::string version = "AWS4";          // begins the algorithm's name and the key
  std::string ending = "aws4_request";   // ends the scope
};

struct SigningKey {
  std::string access_key;
  std::string secret_key;
  std::string region;
  std::string service = "s3";
  SigningDialect dialect = {};
};

struct SigningRequest {
  std::string method;
  std::string path;                                        // as sent: already percent-encoded
  std::vector<std::pair<std::string, std::string>> query;  // not encoded
  std::map<std::string, std::string> headers;              // lower-case names; all are signed; `host` and the vendor's date must be there
  std::string payload_hash;                                // hex SHA-256 of the body, or UNSIGNED-PAYLOAD
};

// `query` as it is signed and must be sent: encoded, sorted, every name with '='.
std::string CanonicalQuery(const std::vector<std::pair<std::string, std::string>>& query);
// The text that is hashed and signed (for tests).
std::string CanonicalRequest(const SigningRequest& request);
// The value of the Authorization header.
std::string SignRequest(const SigningRequest& request, const SigningKey& key);

}  // namespace vora::storage
