#pragma once

// Keeps an eye on the object store in the background, so that readiness probes answer at once.

#include <chrono>
#include <functional>
#include <mutex>

#include "libs/core/status.h"
#include "libs/run/periodic.h"
#include "libs/storage/base/store_check.h"

namespace vora::upload {

class StoreProbe {
 public:
  // `allow_unsafe`: go on with a store that does not honour conditional writes.
  StoreProbe(storage::ObjectStore& store, bool allow_unsafe, obs::Metrics& metrics)
      : store_(store), allow_unsafe_(allow_unsafe), metrics_(metrics) {}
  // FAILED_PRECONDITION: the store is unsafe and that is not allowed. A store that does not answer now is no error; `on_unsafe` is
  // called (from the probe's thread) when it turns out unsafe later.
  Status Start(std::chrono::milliseconds interval, std::function<void(Status)> on_unsafe);
  void Stop() { thread_.Stop(); }
  // The last answer to Ping.
  Status Last();

 private:
  Status CheckConditional();
  void Look();

  storage::ObjectStore& store_;
  const bool allow_unsafe_;
  obs::Metrics& metrics_;
  std::chrono::milliseconds interval_{};
  std::function<void(Status)> on_unsafe_;
  bool conditional_known_ = false;  // only touched by Start, then by the thread
  std::mutex mutex_;
  Status last_;
  Periodic thread_{"upload-probe", [this] {
                     Look();
                     return interval_;
                   }};  // last: uses all of the above
};

}  // namespace vora::upload
