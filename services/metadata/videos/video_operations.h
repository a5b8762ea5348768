#pragma once

// What REST and gRPC have in common: checked requests against the repository and the upload daemon. Thread-safe.

#include <optional>
#include <string>

#include "libs/core/caller.h"
#include "libs/core/status.h"
#include "services/metadata/videos/upload_client.h"
#include "services/metadata/videos/video_fields.h"
#include "services/metadata/videos/video_repo.h"

namespace vora::metadata {

struct ListRequest {
  std::string tenant = kDefaultTenant;
  int page_size = 0;                     // 0: the default
  std::string page_token, state, query;  // state by name, empty: all
};

class VideoOperations {
 public:
  VideoOperations(VideoRepo& videos, UploadClient& uploads) : videos_(videos), uploads_(uploads) {}

  // The video of a finished upload, made now or before. NOT_FOUND: no such upload. FAILED_PRECONDITION: it is not UPLOADED, or its video
  // was deleted.
  StatusOr<CreatedVideo> CreateFromRequest(const std::string& tenant, const CreateBody& body);
  // An announced upload. Idempotent; OK also when its video was deleted since.
  StatusOr<CreatedVideo> CreateFromUpload(const upload::v1::Upload& upload);
  StatusOr<VideoPage> List(const ListRequest& request);

 private:
  VideoRepo& videos_;
  UploadClient& uploads_;
};

}  // namespace vora::metadata
