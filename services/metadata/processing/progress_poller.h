#pragma once

// Follows running workflows about twice a second, so that progress, retries and lost runs show in their videos.

#include <chrono>

#include "libs/run/periodic.h"
#include "services/metadata/processing/orchestrator_client.h"
#include "services/metadata/processing/progress_repo.h"

namespace vora::metadata {

class ProgressPoller {
 public:
  ProgressPoller(ProgressRepo& progress, OrchestratorClient& orchestrator,
                 std::chrono::milliseconds interval = std::chrono::milliseconds(500));
  void Start() { thread_.Start(); }
  void Stop() { thread_.Stop(); }

 private:
  std::chrono::milliseconds Step();
  Status Poll(const PolledVideo& video);

  ProgressRepo& progress_;
  OrchestratorClient& orchestrator_;
  const std::chrono::milliseconds interval_;
  Periodic thread_;
};

}  // namespace vora::metadata
