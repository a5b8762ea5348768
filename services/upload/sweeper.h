#pragma once

// Ends what no request will end: finishes complete uploads left behind by a crash, expires unfinished ones, frees and forgets failed
// ones. Runs at start and every `interval`; any number of replicas may sweep at once (every change is a compare-and-swap).

#include <chrono>

#include "libs/run/periodic.h"
#include "services/upload/receive/finisher.h"

namespace vora::upload {

class Sweeper {
 public:
  struct Options {
    std::chrono::milliseconds interval{60000};
    std::chrono::milliseconds grace{10000};        // a complete upload younger than this is still being finished by its own request
    std::chrono::milliseconds remember{86400000};  // how long a FAILED upload still tells why
  };
  Sweeper(UploadRepo& repo, Finisher& finisher, Options options) : repo_(repo), finisher_(finisher), options_(options) {}
  void Start() { thread_.Start(); }
  void Stop() { thread_.Stop(); }
  // One sweep; `at_start` skips the grace.
  Status SweepOnce(bool at_start);

 private:
  Status SweepUpload(const std::string& upload_id, int64_t marker_age_ms, bool at_start);
  std::chrono::milliseconds Sweep();

  UploadRepo& repo_;
  Finisher& finisher_;
  const Options options_;
  bool at_start_ = true;
  Periodic thread_{"upload-sweep", [this] { return Sweep(); }};
};

}  // namespace vora::upload
