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

Status GoingDown() { return Unavailable("the orchestrator is going down; ask another one"); }

}  // namespace

ScalerFeed::ScalerFeed(ReadQueues read, std::chrono::milliseconds interval) : read_(std::move(read)), interval_(interval) {
  thread_ = std::thread([this] { Run(); });
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
      fresh_ = true;
      wake_.notify_one();
      return listener;
    }
  }
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
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void ScalerFeed::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (listeners_.empty()) {
      wake_.wait(lock, [this] { return stopping_ || !listeners_.empty(); });
      continue;
    }
    Look(lock);
    wake_.wait_for(lock, interval_, [this] { return stopping_ || fresh_; });
  }
  const auto left = std::exchange(listeners_, {});
  lock.unlock();
  for (const auto& listener : left) listener->changed(GoingDown());
}

// The listeners are called without the lock: what they do may end in Forget.
void ScalerFeed::Look(std::unique_lock<std::mutex>& lock) {
  fresh_ = false;
  lock.unlock();
  const auto queues = read_();
  lock.lock();
  // While the database is away nothing is known to have changed.
  if (!queues.ok()) return;
  std::vector<std::shared_ptr<Listener>> news;
  for (const auto& listener : listeners_) {
    const bool active = LoadOf(*queues, listener->queue).activities > 0;
    if (listener->told == active) continue;
    listener->told = active;
    news.push_back(listener);
  }
  lock.unlock();
  for (const auto& listener : news) listener->changed(*listener->told);
  lock.lock();
}

}  // namespace vora::orchestrator
