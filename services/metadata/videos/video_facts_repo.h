#pragma once

// What analytics say of a video besides its numbers. Thread-safe.

#include <map>
#include <string>
#include <vector>

#include "libs/core/status.h"

namespace vora::metadata {

class Store;

struct VideoFacts {
  std::string title;
  double duration_seconds = 0;  // 0: not known yet
  double segment_seconds = 0;   // of its ladder; 0: the ladder does not say
};

class VideoFactsRepo {
 public:
  explicit VideoFactsRepo(Store& store) : store_(store) {}
  // Those of `video_ids` that exist; deleted ones do not.
  StatusOr<std::map<std::string, VideoFacts>> Find(const std::string& tenant, const std::vector<std::string>& video_ids);
  // The newest of the tenant's videos, at most `limit`.
  StatusOr<std::vector<std::string>> NewestIds(const std::string& tenant, int limit);
  // NOT_FOUND: no such video, or deleted.
  StatusOr<VideoFacts> Get(const std::string& tenant, const std::string& video_id);

 private:
  Store& store_;
};

}  // namespace vora::metadata
