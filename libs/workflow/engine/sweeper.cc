#include "libs/workflow/engine/sweeper.h"

#include <algorithm>

#include "libs/log/log.h"
#include "libs/run/periodic.h"

namespace vora::workflow {
namespace {
using std::chrono::milliseconds;
using std::chrono::steady_clock;
}  // namespace

struct Sweeper::Impl {
  Engine& engine;
  const SweeperOptions options;
  // Only touched by the thread.
  steady_clock::time_point last_good = steady_clock::now(), grace_until = last_good + options.lease_grace;
  steady_clock::time_point next_parked = last_good, next_metrics = last_good;
  bool failing = false;
  Periodic thread{"workflow-sweep", [this] {
                    Sweep();
                    return options.interval;
                  }};

  Impl(Engine& e, SweeperOptions o) : engine(e), options(o) {}

  void Sweep() {
    const auto now = steady_clock::now();
    // Before the pass: the first one after an outage must not count the heartbeats that could not be stored meanwhile.
    if (now - last_good > std::max(milliseconds{2000}, 5 * options.interval)) grace_until = now + options.lease_grace;
    // Replicas share nothing out: each due row is decided under its run's lock, where the second one finds it done.
    const auto handled = engine.Sweep(now >= grace_until);
    if (handled.ok()) {
      last_good = steady_clock::now();
    } else if (!failing) {
      log::Warn("sweep failed", {{"error", ToText(handled.status())}});
    }
    failing = !handled.ok();
    if (!failing && now >= next_parked) {
      next_parked = now + options.parked_interval;
      (void)engine.RetryParked();
    }
    if (!failing && now >= next_metrics) {
      next_metrics = now + options.metrics_interval;
      (void)engine.UpdateQueueMetrics();
    }
  }
};

Sweeper::Sweeper(Engine& engine, SweeperOptions options) : impl_(std::make_unique<Impl>(engine, options)) { impl_->thread.Start(); }

Sweeper::~Sweeper() { Stop(); }

void Sweeper::Stop() { impl_->thread.Stop(); }

}  // namespace vora::workflow
