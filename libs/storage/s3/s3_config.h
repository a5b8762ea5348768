#pragma once

// Where an S3 store is and how patient to be with it.

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "libs/core/status.h"
#include "libs/run/retry.h"
#include "libs/storage/s3/s3_keys.h"

namespace vora::storage {

// How a store is spoken to. Google's interface is S3's but for the names of headers and the signature, and that it honours conditions on
// writes by the number of the object's generation alone (https://cloud.google.com/storage/docs/xml-api/overview).
enum class S3Dialect { kS3, kGoogle };

struct S3Config {
  std::string bucket;
  std::string prefix;  // empty, or ends in '/'
  bool https = true;
  std::string authority;  // host[:port], without the scheme's own port: what the Host header says
  S3Dialect dialect = S3Dialect::kS3;
  std::string region = "us-east-1";
  S3KeyConfig keys;
  std::string ca_file;  // PEM file of the authorities that https is checked against; empty: the system's

  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds stall_timeout{20000};      // no byte in either direction for so long (to the second)
  std::chrono::milliseconds request_timeout{30000};    // a whole exchange that is not streamed; grows by a second per MiB sent
  std::chrono::milliseconds complete_timeout{300000};  // CompleteMultipart: stores may copy the parts
  RetryOptions retry;

  std::string Endpoint() const { return (https ? "https://" : "http://") + authority; }
};

// Parses s3://BUCKET[/PREFIX]?endpoint=http://host:port&region=us-east-1&dialect=s3 (see OpenObjectStore). Without `endpoint`, AWS in
// `region`; without `dialect`, s3, or gcs where the endpoint is Google's. `getenv` gives the credentials (see ParseS3KeyConfig).
// INVALID_ARGUMENT names what is wrong; secrets are never in the message.
StatusOr<S3Config> ParseS3Url(const std::string& url, const std::function<std::optional<std::string>(const std::string&)>& getenv);

}  // namespace vora::storage
