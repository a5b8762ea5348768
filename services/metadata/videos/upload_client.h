#pragma once

// The upload daemon's UploadService. UNAVAILABLE while it is away. Thread-safe.

#include <memory>
#include <string>

#include "libs/core/status.h"
#include "vora/upload/v1/upload.pb.h"

namespace vora::metadata {

class UploadClient {
 public:
  explicit UploadClient(const std::string& target);  // host:port
  ~UploadClient();
  // NOT_FOUND: no such upload, or it has expired.
  StatusOr<upload::v1::Upload> Get(const std::string& upload_id);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::metadata
