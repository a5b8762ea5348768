#include "libs/workflow/engine/passes.h"

#include <algorithm>
#include <mutex>

#include "libs/log/log.h"
#include "libs/run/periodic.h"

namespace vora::workflow {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr milliseconds kAfterFailure{500};
constexpr milliseconds kStoodStill{2000};
constexpr milliseconds kSlow{1000};
// Runs that are tried in one go; a replay of a long history takes a few hundred milliseconds.
constexpr int kParkedBatch = 20;

}  // namespace

struct Passes::Impl {
  Engine& engine;
  const PassOptions options;
  std::mutex mutex;
  steady_clock::time_point next_look = steady_clock::now();
  // Only touched by the thread of `due`.
  steady_clock::time_point grace_until = steady_clock::now() + options.lease_grace, planned = steady_clock::now();
  bool failing = false;
  Periodic due{"workflow-due", [this] { return LookAtDeadlines(); }};
  Periodic parked{"workflow-parked", [this] {
                    const auto tried = engine.RetryParked(kParkedBatch);
                    return tried.ok() && *tried == kParkedBatch ? milliseconds{1} : options.parked_interval;
                  }};
  Periodic metrics{"workflow-stats", [this] {
                     (void)engine.UpdateQueueMetrics();
                     return options.metrics_interval;
                   }};
  Periodic retention{"workflow-leave", [this] {
                       const auto more = engine.LetOldRunsLeave(options.retention_interval);
                       if (!more.ok()) log::Warn("closed workflows could not leave", {{"error", ToText(more.status())}});
                       return more.ok() && *more ? milliseconds{1} : options.retention_interval;
                     }};

  Impl(Engine& e, PassOptions o) : engine(e), options(o) {}

  milliseconds LookAtDeadlines() {
    const auto now = steady_clock::now();
    {
      const std::lock_guard lock(mutex);
      if (now < next_look) return std::chrono::ceil<milliseconds>(next_look - now);
      next_look = now + options.due_interval;
    }
    // This process stood still (its machine was suspended): the heartbeats that it could not take meanwhile are not missing.
    if (now - planned > kStoodStill) grace_until = now + options.lease_grace;
    const milliseconds pause = Round(now >= grace_until);
    const std::lock_guard lock(mutex);
    next_look = std::min(next_look, steady_clock::now() + pause);
    planned = next_look;
    return std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(next_look - steady_clock::now()));
  }

  milliseconds Round(bool expire_leases) {
    const auto round = engine.HandleDue(expire_leases);
    if (!round.ok()) {
      if (!failing) log::Warn("deadlines cannot be looked at", {{"error", ToText(round.status())}});
      failing = true;
      // Counted from the last failure: the heartbeats of the outage could not be stored.
      grace_until = steady_clock::now() + options.lease_grace;
      return std::min(kAfterFailure, options.due_interval);
    }
    failing = false;
    // The database stood still, and with it the heartbeats.
    if (round->looked_for > kSlow) grace_until = steady_clock::now() + options.lease_grace;
    if (round->more) return milliseconds{0};
    // What is due and was not handled (a lease within the grace) is no reason to go round without a pause.
    if (!round->next || round->next->count() == 0) return options.due_interval;
    return std::min(options.due_interval, std::chrono::ceil<milliseconds>(*round->next));
  }
};

Passes::Passes(Engine& engine, PassOptions options) : impl_(std::make_unique<Impl>(engine, options)) {}
Passes::~Passes() { Stop(); }

void Passes::Start() {
  impl_->due.Start();
  impl_->parked.Start();
  impl_->metrics.Start();
  impl_->retention.Start();
}

void Passes::Stop() {
  impl_->due.Stop();
  impl_->parked.Stop();
  impl_->metrics.Stop();
  impl_->retention.Stop();
}

void Passes::DueAfter(std::chrono::microseconds delay) {
  // A millisecond late, as a look a moment too early finds nothing.
  const auto at = steady_clock::now() + std::max(delay, std::chrono::microseconds{0}) + milliseconds{1};
  {
    const std::lock_guard lock(impl_->mutex);
    if (at >= impl_->next_look) return;
    impl_->next_look = at;
  }
  impl_->due.Wake();
}

}  // namespace vora::workflow
