#pragma once

// The store that VORA_STORAGE names.

#include <memory>
#include <string>

#include "libs/obs/metrics.h"
#include "libs/storage/base/object_store.h"

namespace vora::storage {

// Opens `url`: file:///absolute/path, or s3://BUCKET[/PREFIX]?endpoint=http://host:port&region=us-east-1 with credentials from
// VORA_S3_ACCESS_KEY and VORA_S3_SECRET_KEY (else AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY). INVALID_ARGUMENT names what is wrong.
StatusOr<std::unique_ptr<ObjectStore>> OpenObjectStore(const std::string& url, obs::Metrics& metrics);

}  // namespace vora::storage
