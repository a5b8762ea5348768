#pragma once

// Videos in progress, and what the orchestrator says of their runs. Thread-safe.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "services/metadata/rows/progress.h"

namespace vora::metadata {

class Store;

struct VideoRun {
  std::string video_id, run_id;
};

// A run, as the orchestrator has told of it last.
struct FollowedRun {
  std::string video_id;
  workflow::v1::RunProgress told;
  int64_t version = 0;  // of the video when it showed all of that; 0: it is not known to
  VideoRun run() const { return {video_id, told.run_id()}; }
};

// What is to be done with it.
enum class Need {
  kNothing,
  kWrite,
  kLater,  // the video does not know its run yet
  kOver,   // the video has ended, is gone, or has another run
};

class ProgressRepo {
 public:
  explicit ProgressRepo(Store& store) : store_(store) {}

  // Up to `limit` running videos that nobody has claimed within `interval`; so replicas share them.
  StatusOr<std::vector<VideoRun>> Claim(std::chrono::milliseconds interval, int limit);
  // In the order of `runs`, whose versions it sets. One statement when nothing has changed. Any number of replicas may ask: it locks
  // nothing.
  StatusOr<std::vector<Need>> Compare(const std::vector<FollowedRun*>& runs);
  // Writes what moved by a per cent or changed state; true when anything did. No effect once the run was replaced or has ended, and while
  // somebody else changes the video.
  StatusOr<bool> Apply(const VideoRun& run, const ActivitySums& activities);
  // The run ended without having said so: the video is FAILED or CANCELLED. No effect when it had, or was replaced.
  StatusOr<bool> Close(const VideoRun& run, v1::VideoState to, const std::string& code, const std::string& why);

 private:
  Store& store_;
};

}  // namespace vora::metadata
