#pragma once

// Videos in progress, as the progress poller sees them. A claim keeps other replicas off a video for a moment. Thread-safe.

#include <chrono>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "services/metadata/rows/progress.h"

namespace vora::metadata {

class Store;

struct PolledVideo {
  std::string video_id, run_id;
  ChunkLengths chunks;
};

class ProgressRepo {
 public:
  explicit ProgressRepo(Store& store) : store_(store) {}

  // Up to `limit` running videos that nobody polled within `interval`.
  StatusOr<std::vector<PolledVideo>> Claim(std::chrono::milliseconds interval, int limit);
  // Writes what moved by a per cent or changed state; true when anything did. No effect once the run was replaced or has ended.
  StatusOr<bool> Apply(const PolledVideo& video, const std::vector<ActivityView>& activities);
  // The run ended without having said so: the video is FAILED or CANCELLED. No effect when it had, or was replaced.
  StatusOr<bool> Close(const PolledVideo& video, v1::VideoState to, const std::string& code, const std::string& why);

 private:
  Store& store_;
};

}  // namespace vora::metadata
