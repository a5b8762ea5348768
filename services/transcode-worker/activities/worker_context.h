#pragma once

// What every activity of the worker needs.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "libs/media/base/source_limits.h"
#include "libs/obs/metrics.h"
#include "libs/sources/sources.h"
#include "libs/storage/roots.h"
#include "services/transcode-worker/activities/publisher.h"
#include "services/transcode-worker/activities/source_reader.h"
#include "services/transcode-worker/activities/speed_meter.h"
#include "services/transcode-worker/pipe/child_process.h"
#include "vora/workflow/v1/workflow.pb.h"

namespace vora::transcode {

struct WorkerOptions {
  std::string program = "/proc/self/exe";   // of the children
  int64_t memory_limit = int64_t{3} << 30;  // per child
  std::chrono::seconds cpu_limit{7200};     // per child that decodes or encodes; a quarter of it for the others
  bool strict_sandbox = true;               // no child without a filter of its system calls
  media::SourceLimits source_limits;
  std::chrono::milliseconds child_timeout{60000};   // without any progress
  std::chrono::milliseconds store_patience{45000};  // how long the store may be away within one attempt
  std::chrono::milliseconds drain_grace{2000};      // for the segments under way
};

class WorkerContext {
 public:
  // `sources`: of the files that are encoded from where they lie; all of it must outlive the context.
  WorkerContext(storage::Stores stores, const sources::Sources& sources, obs::Metrics& metrics, WorkerOptions options);

  const storage::Stores& stores() const { return stores_; }
  obs::Metrics& metrics() const { return metrics_; }
  const WorkerOptions& options() const { return options_; }
  const Publisher& publisher() const { return publisher_; }

  // `key`: an object of the raw root, or a pinned file of a source (libs/sources/pinned_file.h).
  StatusOr<std::unique_ptr<SourceReader>> OpenSource(const std::string& key, std::function<bool()> stopped) const;
  ChildSpec NewChild(const std::string& role) const;
  // Answers a child's read request from `source`. INVALID_ARGUMENT for any other message.
  Status Serve(ChildProcess& child, SourceReader& source, const Message& message) const;
  void CountChildFailure(const std::string& kind) const;
  // The failure of a child that did not end well, counted; that it tried a forbidden system call is logged as what it is. `what` names the
  // child, e.g. "encoder of 720p".
  workflow::v1::Failure JudgeChild(const ChildExit& exit, const std::string& what) const;
  SpeedMeter& speed() const { return speed_; }

 private:
  const storage::Stores stores_;
  const sources::Sources& sources_;
  obs::Metrics& metrics_;
  const WorkerOptions options_;
  const Publisher publisher_;
  mutable SpeedMeter speed_;
};

}  // namespace vora::transcode
