#include "libs/workflow/engine/sweeper.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "libs/log/log.h"

namespace vora::workflow {
namespace {
using std::chrono::milliseconds;
using std::chrono::steady_clock;
}  // namespace

struct Sweeper::Impl {
  Engine& engine;
  const SweeperOptions options;
  std::mutex mutex;
  std::condition_variable stop;
  bool stopping = false;
  std::thread thread;

  Impl(Engine& e, SweeperOptions o) : engine(e), options(o) {}

  void Loop() {
    auto last_good = steady_clock::now();
    auto grace_until = last_good + options.lease_grace;
    auto next_stuck = steady_clock::now(), next_metrics = next_stuck;
    bool failing = false;
    std::unique_lock lock(mutex);
    while (!stopping) {
      lock.unlock();
      const auto now = steady_clock::now();
      // Before the pass: the first one after an outage must not count the heartbeats that could not be stored meanwhile.
      if (now - last_good > std::max(milliseconds{2000}, 5 * options.interval)) grace_until = now + options.lease_grace;
      const auto handled = engine.Sweep(now >= grace_until);
      if (handled.ok()) {
        last_good = steady_clock::now();
      } else if (!failing) {
        log::Warn("sweep failed", {{"error", ToText(handled.status())}});
      }
      failing = !handled.ok();
      if (!failing && now >= next_stuck) {
        next_stuck = now + options.stuck_interval;
        (void)engine.RetryStuck();
      }
      if (!failing && now >= next_metrics) {
        next_metrics = now + options.metrics_interval;
        (void)engine.UpdateQueueMetrics();
      }
      lock.lock();
      stop.wait_for(lock, options.interval, [&] { return stopping; });
    }
  }
};

Sweeper::Sweeper(Engine& engine, SweeperOptions options) : impl_(std::make_unique<Impl>(engine, options)) {
  Impl* impl = impl_.get();
  impl->thread = std::thread([impl] { impl->Loop(); });
}

Sweeper::~Sweeper() { Stop(); }

void Sweeper::Stop() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->stop.notify_all();
  }
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace vora::workflow
