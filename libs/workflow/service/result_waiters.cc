#include "libs/workflow/service/result_waiters.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace vora::workflow {
namespace {
using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr milliseconds kResultFallback{500};
}  // namespace

struct ResultWaiters::Waiter {
  v1::DescribeWorkflowRequest request;  // run_id is filled by the first look: a newer run must not take its place
  steady_clock::time_point deadline;
  Done done;
  std::atomic<bool> canceled{false};
  bool look = true;  // under the mutex
};

struct ResultWaiters::Impl {
  using WaiterPtr = std::shared_ptr<Waiter>;
  Engine& engine;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<WaiterPtr> waiters;
  bool poked = false, stopping = false;
  std::thread thread;

  explicit Impl(Engine& e) : engine(e) {}

  // True when the waiter was answered.
  bool Look(Waiter& waiter, bool last) {
    if (waiter.canceled) {
      waiter.done(Cancelled("the caller went away"), {});
      return true;
    }
    auto described = engine.Describe(waiter.request);
    if (!described.ok()) {
      if (IsTransient(described.status()) && !last) return false;
      waiter.done(described.status(), {});
      return true;
    }
    {
      std::lock_guard lock(mutex);  // RunClosed reads it
      waiter.request.set_run_id(described->info().run_id());
    }
    if (described->info().status() == v1::WORKFLOW_STATUS_RUNNING && !last) return false;
    waiter.done({}, described->info());
    return true;
  }

  void Loop() {
    auto next_fallback = steady_clock::now() + kResultFallback;
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait_for(lock, milliseconds{50}, [&] { return stopping || poked; });
      poked = false;
      const auto now = steady_clock::now();
      const bool all = now >= next_fallback || stopping;
      if (all) next_fallback = now + kResultFallback;
      std::vector<WaiterPtr> due;
      for (const auto& waiter : waiters) {
        if (all || waiter->look || waiter->canceled || waiter->deadline <= now) due.push_back(waiter);
        waiter->look = false;
      }
      const bool last = stopping;
      lock.unlock();
      std::vector<WaiterPtr> answered;
      for (const auto& waiter : due) {
        if (Look(*waiter, last || waiter->deadline <= now)) answered.push_back(waiter);
      }
      lock.lock();
      for (const auto& waiter : answered) std::erase(waiters, waiter);
      if (last) return;
    }
  }
};

ResultWaiters::ResultWaiters(Engine& engine) : impl_(std::make_unique<Impl>(engine)) {
  Impl* impl = impl_.get();
  impl->thread = std::thread([impl] { impl->Loop(); });
}

ResultWaiters::~ResultWaiters() { Stop(); }

std::shared_ptr<ResultWaiters::Waiter> ResultWaiters::Add(const std::string& workflow_id, const std::string& run_id, milliseconds wait,
                                                          Done done) {
  auto waiter = std::make_shared<Waiter>();
  waiter->request.set_workflow_id(workflow_id);
  waiter->request.set_run_id(run_id);
  waiter->deadline = steady_clock::now() + wait;
  waiter->done = std::move(done);
  std::unique_lock lock(impl_->mutex);
  if (impl_->stopping) {
    lock.unlock();
    waiter->done(Unavailable("shutting down"), {});
    return waiter;
  }
  impl_->waiters.push_back(waiter);
  impl_->poked = true;
  impl_->changed.notify_all();
  return waiter;
}

void ResultWaiters::Cancel(const std::shared_ptr<Waiter>& waiter) {
  waiter->canceled = true;
  std::lock_guard lock(impl_->mutex);
  impl_->poked = true;
  impl_->changed.notify_all();
}

void ResultWaiters::RunClosed(const std::string& run_id) {
  std::lock_guard lock(impl_->mutex);
  for (const auto& waiter : impl_->waiters) {
    if (!run_id.empty() && !waiter->request.run_id().empty() && waiter->request.run_id() != run_id) continue;
    waiter->look = true;
    impl_->poked = true;
  }
  if (impl_->poked) impl_->changed.notify_all();
}

void ResultWaiters::Stop() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->changed.notify_all();
  }
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace vora::workflow
