#pragma once

// S3 requests: signed, sent, retried on transient faults, their errors turned into Status. Thread-safe.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/core/status.h"
#include "libs/storage/s3/s3_config.h"
#include "libs/storage/s3/s3_http.h"
#include "libs/storage/s3/s3_key_cache.h"
#include "libs/storage/s3/sigv4.h"

namespace vora::storage {

struct S3Request {
  std::string method;
  std::string key;  // with the store's prefix; empty: the bucket itself
  std::vector<std::pair<std::string, std::string>> query;
  std::map<std::string, std::string> headers;  // lower-case names; x-amz-... is sent under the vendor's name
  std::string_view body;                       // must outlive the call
  std::chrono::milliseconds stall_timeout{0};  // 0: the configured one
  std::chrono::milliseconds total_timeout{0};  // 0: the configured one
  bool retry = true;
};

struct S3Response {
  int status = 0;
  std::map<std::string, std::string> headers;  // etag, content-length and other known ones; lower-case, those of a vendor as x-amz-...
  std::string body;
  std::string Header(const std::string& name) const;
};

class S3Client {
 public:
  S3Client(S3Config config, const Clock& clock)
      : config_(std::move(config)), clock_(clock), pool_(config_.ca_file), keys_(MakeS3KeySource(config_.keys), clock) {}

  // The whole answer. Transient faults (no answer, 429, 5xx) are retried and then returned as an error; every
  // other HTTP status is an OK result. Keys that the store does not accept are one of these faults, and replaced where somebody hands them
  // out. `request` must be idempotent or guarded by a condition or a token.
  StatusOr<S3Response> Call(const S3Request& request);
  // As Call, but the body of the answer is left to be read.
  StatusOr<std::unique_ptr<HttpExchange>> Open(const S3Request& request);

  const S3Config& config() const { return config_; }

 private:
  using Keys = std::shared_ptr<const S3Keys>;
  // `keys`: what the request is signed with.
  StatusOr<std::unique_ptr<HttpExchange>> StartOnce(const S3Request& request, bool streamed, Keys& keys);
  // UNAVAILABLE when an answer of this status refuses the keys for what new ones mend.
  Status CheckKeysAccepted(int http_status, std::string_view body, const Keys& keys);
  // The answer that says why this HEAD was refused.
  StatusOr<std::unique_ptr<HttpExchange>> AskWhy(const S3Request& head, Keys& keys);
  Status Retry(const S3Request& request, const std::function<Status()>& once) const;

  // The name that the vendor has for one of S3's headers.
  std::string VendorName(const std::string& name) const;

  const S3Config config_;
  const Clock& clock_;
  const SigningDialect dialect_ =
      config_.dialect == S3Dialect::kGoogle ? SigningDialect{"x-goog-", "GOOG4", "goog4_request"} : SigningDialect{};
  HttpPool pool_;
  S3KeyCache keys_;
};

// What an HTTP status that is not 2xx means; `body` is S3's error document, if any. `what` names the operation.
Status ToS3Status(int http_status, std::string_view body, std::string_view what);

}  // namespace vora::storage
