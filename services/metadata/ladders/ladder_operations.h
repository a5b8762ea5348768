#pragma once

// What REST and gRPC have in common of ladders: checked requests against the repository. Thread-safe.

#include <string>
#include <vector>

#include "libs/core/status.h"
#include "services/metadata/ladders/ladder_repo.h"
#include "services/metadata/videos/video_repo.h"

namespace vora::metadata {

// For errors see LadderService.
class LadderOperations {
 public:
  LadderOperations(LadderRepo& ladders, VideoRepo& videos) : ladders_(ladders), videos_(videos) {}

  StatusOr<v1::ListLaddersResponse> List(const std::string& tenant);
  StatusOr<v1::StoredLadder> Get(const std::string& tenant, const v1::GetLadderRequest& request);
  StatusOr<PutLadder> Put(const std::string& tenant, media::v1::Ladder ladder);
  Status Delete(const std::string& tenant, const std::string& name) { return ladders_.Delete(tenant, name); }
  StatusOr<v1::StoredLadder> SetDefault(const std::string& tenant, const std::string& name);
  StatusOr<v1::LadderPreview> Preview(const std::string& tenant, const v1::PreviewLadderRequest& request);

 private:
  LadderRepo& ladders_;
  VideoRepo& videos_;
};

}  // namespace vora::metadata
