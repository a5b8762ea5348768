#include "services/orchestrator/scaler_feed.h"

#include <utility>
#include <vector>

#include "services/orchestrator/scaler_policy.h"

namespace vora::orchestrator {

struct ScalerFeed::Listener {
  std::string queue;
  Changed changed;
  std::optional<bool> told;
};

namespace {

constexpr std::chrono::hours kUntilSomebodyListens{1};

Status GoingDown() { return Unavailable("the orchestrator is going down; ask another one"); }

}  // namespace

ScalerFeed::ScalerFeed(ReadQueues read, std::chrono::milliseconds interval) : read_(std::move(read)), interval_(interval) {
  thread_.Start();
}

ScalerFeed::~ScalerFeed() { Stop(); }

std::shared_ptr<ScalerFeed::Listener> ScalerFeed::Listen(std::string queue, Changed changed) {
  auto listener = std::make_shared<Listener>();
  listener->queue = std::move(queue);
  listener->changed = std::move(changed);
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      listeners_.push_back(listener);
      thread_.Wake();
      return listener;
    }
  }
  // Without the lock, since the call may end in Forget.
  listener->changed(GoingDown());
  return listener;
}

void ScalerFeed::Forget(const std::shared_ptr<Listener>& listener) {
  const std::lock_guard lock(mutex_);
  listeners_.remove(listener);
}

void ScalerFeed::Stop() {
  {
    const std::lock_guard lock(mutex_);
    // First of all, so that nobody can join the list after it was taken.
    stopping_ = true;
  }
  thread_.Stop();
  std::list<std::shared_ptr<Listener>> left;
  {
    const std::lock_guard lock(mutex_);
    left.swap(listeners_);
  }
  for (const auto& listener : left) listener->changed(GoingDown());
}

// The listeners are called without the lock: what they do may end in Forget.
std::chrono::milliseconds ScalerFeed::Look() {
  {
    const std::lock_guard lock(mutex_);
    if (listeners_.empty()) return kUntilSomebodyListens;
  }
  // Not under the lock: the database may be slow, and calls come and go.
  const auto queues = read_();
  // While the database is away nothing is known to have changed.
  if (!queues.ok()) return interval_;
  std::vector<std::shared_ptr<Listener>> news;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& listener : listeners_) {
      const bool active = LoadOf(*queues, listener->queue).activities > 0;
      if (listener->told == active) continue;
      listener->told = active;
      news.push_back(listener);
    }
  }
  // Only this thread ever writes `told`.
  for (const auto& listener : news) listener->changed(*listener->told);
  return interval_;
}

}  // namespace vora::orchestrator
