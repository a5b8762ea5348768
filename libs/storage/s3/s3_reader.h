#pragma once

#include <memory>
#include <string>

#include "libs/storage/base/object_store.h"
#include "libs/storage/s3/s3_client.h"

namespace vora::storage {

// Starts reading [offset, offset + length) of the object (`length` < 0: to the end); `full_key` has the store's prefix, `key` has not.
StatusOr<std::unique_ptr<ObjectReader>> OpenS3Reader(std::shared_ptr<S3Client> client, const std::string& key, const std::string& full_key,
                                                     int64_t offset, int64_t length);

// Size, ETag, content type and time from the headers of an answer.
StatusOr<ObjectInfo> InfoFromHeaders(const std::string& key, const std::string& size, const std::string& etag,
                                     const std::string& content_type, const std::string& last_modified);

}  // namespace vora::storage
