#pragma once

// What REST and gRPC have in common: checked requests against the repository and the upload daemon. Thread-safe.

#include <functional>
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
  std::string external_id;
  Labels labels;
};

class VideoOperations {
 public:
  // Tells the open run of a video its priority, if there is one.
  using TellPriority = std::function<Status(const std::string& video_id, int priority)>;
  VideoOperations(VideoRepo& videos, UploadClient& uploads, TellPriority tell_priority)
      : videos_(videos), uploads_(uploads), tell_priority_(std::move(tell_priority)) {}

  // The video of a finished upload, made now or before. NOT_FOUND: no such upload. FAILED_PRECONDITION: it is not UPLOADED, or its video
  // was deleted. ALREADY_EXISTS: another video has the external_id.
  StatusOr<CreatedVideo> CreateFromRequest(const std::string& tenant, const v1::CreateVideoRequest& request);
  // An announced upload. Idempotent; OK also when its video was deleted since.
  StatusOr<CreatedVideo> CreateFromUpload(const upload::v1::Upload& upload);
  // Of what is processed now, and of what a retry begins.
  StatusOr<v1::Video> SetPriority(const std::string& tenant, const std::string& video_id, int priority);
  // The fields that update_mask names; title and description when it names none.
  StatusOr<v1::Video> Update(const std::string& tenant, const v1::UpdateVideoRequest& request);
  StatusOr<VideoPage> List(const ListRequest& request);

 private:
  VideoRepo& videos_;
  UploadClient& uploads_;
  const TellPriority tell_priority_;
};

}  // namespace vora::metadata
