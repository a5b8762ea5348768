#include "libs/workflow/service/result_waiters.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <vector>

#include "libs/run/periodic.h"

namespace vora::workflow {
namespace {
using std::chrono::milliseconds;
using std::chrono::steady_clock;
// The pace at which deadlines and cancelled calls are noticed; the database is asked on a wake-up or after kResultFallback only.
constexpr milliseconds kResultPoll{50};
constexpr milliseconds kResultFallback{500};
}  // namespace

struct ResultWaiters::Waiter {
  std::string workflow_id;
  std::string run_id;  // filled by the first look: a newer run must not take its place
  steady_clock::time_point deadline;
  Done done;
  std::atomic<bool> canceled{false};
  bool look = true;                        // this and the next under the mutex
  std::optional<v1::WorkflowInfo> closed;  // as it ended, so that nobody need look
};

struct ResultWaiters::Impl {
  using WaiterPtr = std::shared_ptr<Waiter>;
  Engine& engine;
  std::mutex mutex;
  std::vector<WaiterPtr> waiters;
  bool stopping = false;
  steady_clock::time_point next_fallback = steady_clock::now() + kResultFallback;
  Periodic loop{"result-waiters", [this] {
                  LookAtAll(/*last=*/false);
                  return kResultPoll;
                }};  // last: uses all of the above

  explicit Impl(Engine& e) : engine(e) {}

  // What becomes of a waiter: true when it was answered.
  bool Answer(Waiter& waiter, const StatusOr<v1::WorkflowInfo>& found, bool last) {
    if (waiter.canceled) {
      waiter.done(Cancelled("the caller went away"), {});
      return true;
    }
    if (!found.ok()) {
      if (IsTransient(found.status()) && !last) return false;
      waiter.done(found.status(), {});
      return true;
    }
    {
      std::lock_guard lock(mutex);  // RunClosed reads it
      waiter.run_id = found->run_id();
    }
    if (found->status() == v1::WORKFLOW_STATUS_RUNNING && !last) return false;
    waiter.done({}, *found);
    return true;
  }

  // `last`: every waiter is answered with what is known now.
  void LookAtAll(bool last) {
    std::vector<WaiterPtr> due, answered;
    {
      const std::lock_guard lock(mutex);
      const auto now = steady_clock::now();
      const bool all = now >= next_fallback || last;
      if (all) next_fallback = now + kResultFallback;
      std::erase_if(waiters, [&](const WaiterPtr& waiter) {
        if (!waiter->closed) return false;
        answered.push_back(waiter);
        return true;
      });
      for (const auto& waiter : waiters) {
        if (all || waiter->look || waiter->canceled || waiter->deadline <= now) due.push_back(waiter);
        // Before the look: a run that closes during it sets it again, and is looked at in the next round.
        waiter->look = false;
      }
    }
    for (const auto& waiter : answered) Answer(*waiter, *std::move(waiter->closed), last);
    if (due.empty()) return;
    answered.clear();
    std::vector<std::pair<std::string, std::string>> asked;
    for (const auto& waiter : due) asked.emplace_back(waiter->workflow_id, waiter->run_id);
    // Without the mutex, as it is a query. That one thread alone answers makes `done` come once, whatever else happens meanwhile.
    const auto found = engine.FindRuns(asked);
    for (size_t i = 0; i < due.size(); ++i) {
      const bool at_last = last || due[i]->deadline <= steady_clock::now();
      if (Answer(*due[i], found.ok() ? (*found)[i] : found.status(), at_last)) answered.push_back(due[i]);
    }
    const std::lock_guard lock(mutex);
    for (const auto& waiter : answered) std::erase(waiters, waiter);
  }
};

ResultWaiters::ResultWaiters(Engine& engine) : impl_(std::make_unique<Impl>(engine)) { impl_->loop.Start(kResultPoll); }

ResultWaiters::~ResultWaiters() { Stop(); }

std::shared_ptr<ResultWaiters::Waiter> ResultWaiters::Add(const std::string& workflow_id, const std::string& run_id, milliseconds wait,
                                                          Done done) {
  auto waiter = std::make_shared<Waiter>();
  waiter->workflow_id = workflow_id;
  waiter->run_id = run_id;
  waiter->deadline = steady_clock::now() + wait;
  waiter->done = std::move(done);
  std::unique_lock lock(impl_->mutex);
  if (impl_->stopping) {
    lock.unlock();
    waiter->done(Unavailable("shutting down"), {});
    return waiter;
  }
  // Of one that is open it is heard when it closes, and before that it is forgotten: so either is seen here. (Where the news is lost, the
  // fallback finds out.)
  waiter->look = run_id.empty() || !impl_->engine.IsKnownOpen(run_id);
  impl_->waiters.push_back(waiter);
  impl_->loop.Wake();
  return waiter;
}

void ResultWaiters::Cancel(const std::shared_ptr<Waiter>& waiter) {
  // Not answered here: the thread may be looking at it, and would answer it a second time.
  waiter->canceled = true;
  impl_->loop.Wake();
}

void ResultWaiters::RunClosed(const std::string& run_id, const v1::WorkflowInfo* run) {
  bool anyone = false;
  {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& waiter : impl_->waiters) {
      // One that has not been looked at yet does not know its run: it may be this one.
      if (!run_id.empty() && !waiter->run_id.empty() && waiter->run_id != run_id) continue;
      if (run && waiter->run_id == run_id && waiter->workflow_id == run->workflow_id()) {
        waiter->closed = *run;
      } else {
        waiter->look = true;
      }
      anyone = true;
    }
  }
  if (anyone) impl_->loop.Wake();
}

void ResultWaiters::Stop() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->loop.Stop();
  // After the join, so that nobody else answers; after `stopping`, so that none is added later.
  impl_->LookAtAll(/*last=*/true);
}

}  // namespace vora::workflow
