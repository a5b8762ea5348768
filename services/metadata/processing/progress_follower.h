#pragma once

// Follows the runs of videos, so that progress, retries and lost runs show: a stream of the orchestrator tells what has changed, and videos
// are compared with that about twice a second while something is under way. Now and then all open runs are asked for, since the stream may
// miss an end, and cannot tell of a run that an orchestrator has lost. Any number of replicas may do so.

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "libs/run/periodic.h"
#include "services/metadata/processing/orchestrator_client.h"
#include "services/metadata/processing/progress_repo.h"

namespace vora::metadata {

struct ProgressOptions {
  std::chrono::milliseconds interval{500};  // between comparisons
  std::chrono::milliseconds check_interval{30'000};
};

class ProgressFollower {
 public:
  ProgressFollower(ProgressRepo& progress, OrchestratorClient& orchestrator, ProgressOptions options);
  void Start();
  void Stop();  // for good

 private:
  using Runs = std::map<std::string, workflow::v1::RunProgress>;  // by video
  // While the stream lasts; the pause until the next one.
  std::chrono::milliseconds Watch();
  // `told`: videos, until all has been told that was under way when the stream began.
  void Take(workflow::v1::WatchProgressResponse response, std::optional<std::set<std::string>>& told);
  std::chrono::milliseconds Step();
  void TakeNews();
  Status CompareAll();
  Status Write(const FollowedRun& run);
  Status CheckSome(std::chrono::milliseconds claim, bool& more);
  Status CheckLost(const VideoRun& run);
  Status End(const VideoRun& run, workflow::v1::WorkflowStatus status, const workflow::v1::Failure& failure);

  ProgressRepo& progress_;
  OrchestratorClient& orchestrator_;
  const ProgressOptions options_;
  std::mutex mutex_;
  Runs news_;
  std::optional<std::set<std::string>> under_way_;  // those videos, once there is a new stream
  // Of the thread of comparisons.
  std::map<std::string, FollowedRun> followed_;
  std::chrono::steady_clock::time_point next_check_{}, next_comparison_{};
  bool caught_up_ = false;  // since the last check
  // While all are looked after: those are left that nobody has looked after since. Not a span: the check would find those anew that it
  // began with, and never end.
  std::optional<std::chrono::steady_clock::time_point> unseen_since_;
  // Of the thread of the stream.
  int failures_ = 0;
  Periodic comparisons_, stream_;
};

}  // namespace vora::metadata
