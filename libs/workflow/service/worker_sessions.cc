#include "libs/workflow/service/worker_sessions.h"

#include <list>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "libs/log/log.h"
#include "libs/run/periodic.h"

namespace vora::workflow {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr milliseconds kFrozen{2000};
// One statement that takes longer shows that the database stood still.
constexpr milliseconds kSlow{1000};
constexpr milliseconds kUntilWoken = std::chrono::hours(1);

// A worker that asks again before it was answered has given up on the first: the later report holds, with checkpoints that only the earlier
// one had.
void Merge(const v1::RenewWorkerRequest& earlier, v1::RenewWorkerRequest& later) {
  std::map<std::string, std::string> checkpoints;
  for (const auto& task : earlier.tasks()) checkpoints[task.task_token()] = task.checkpoint();
  for (auto& task : *later.mutable_tasks()) {
    if (task.checkpoint().empty()) task.set_checkpoint(checkpoints[task.task_token()]);
  }
}

}  // namespace

struct WorkerSessions::Watch {
  std::string worker_id;
  Tell tell;
  std::function<void()> end;
};

struct WorkerSessions::Impl {
  struct Report {
    v1::RenewWorkerRequest request;
    std::vector<Renewed> waiting;
  };
  Engine& engine;
  const WorkerSessionOptions options;
  std::mutex mutex;
  std::map<std::string, Report> reports;  // by worker
  std::vector<std::string> gone;
  std::list<std::shared_ptr<Watch>> watches;
  std::set<std::string> known;  // workers that have reported
  bool hurry = false;           // a worker that is new here waits for its first answer
  bool stopping = false;
  steady_clock::time_point first_report{};  // of those that wait
  // Only touched by the thread.
  steady_clock::time_point last_look{}, grace_until = steady_clock::now() + options.lease_grace;
  bool failing = false;
  std::vector<LostTask> lost;  // under the mutex
  Periodic losses{"worker-losses", [this] { return TakeBack(); }};
  Periodic thread{"worker-leases", [this] { return Step(); }};

  Impl(Engine& e, WorkerSessionOptions o) : engine(e), options(o) {}

  milliseconds Step() {
    const auto now = steady_clock::now();
    std::map<std::string, Report> taken;
    std::vector<std::string> broken;
    {
      const std::lock_guard lock(mutex);
      const auto at = NextLook();
      if (now < at && !std::exchange(hurry, false)) return std::chrono::ceil<milliseconds>(at - now);
      taken.swap(reports);
      broken.swap(gone);
    }
    if (last_look != steady_clock::time_point{} && now - last_look > options.look_interval + kFrozen) {
      // This process stood still: the reports that it could not store are not missing.
      grace_until = now + options.lease_grace;
    }
    Look(taken, broken, now);
    last_look = steady_clock::now();
    return options.least_pause;
  }

  // With the mutex held. Workers that are answered together report together the next time: one that comes between two such rounds is kept
  // for the later one, or, where that would be long, answered so that it falls into it the time after. So however many there are, a round
  // is one statement.
  steady_clock::time_point NextLook() const {
    if (!gone.empty()) return last_look + options.least_pause;
    if (reports.empty()) return last_look + options.look_interval;
    if (first_report < last_look + options.least_pause) return last_look + options.least_pause;
    return std::max(last_look + options.round, first_report + options.gathering);
  }

  void Look(std::map<std::string, Report>& taken, const std::vector<std::string>& broken, steady_clock::time_point now) {
    std::vector<v1::RenewWorkerRequest> requests;
    for (auto& [worker, report] : taken) requests.push_back(std::move(report.request));
    auto renewals = engine.RenewWorkers(requests, broken);
    const auto end = steady_clock::now();
    if (!renewals.ok()) {
      if (!failing) log::Warn("the leases of workers cannot be kept", {{"error", ToText(renewals.status())}});
      const std::lock_guard lock(mutex);
      gone.insert(gone.end(), broken.begin(), broken.end());
    }
    failing = !renewals.ok();
    // What could not be stored, or not for so long, is not missing.
    if (failing || end - now > kSlow) grace_until = end + options.lease_grace;
    for (auto& [worker, report] : taken) {
      for (auto& done : report.waiting) {
        if (renewals.ok()) {
          done({}, renewals->answers[worker]);
        } else {
          done(renewals.status(), {});
        }
      }
    }
    if (!renewals.ok() || renewals->lost.empty() || end < grace_until) return;
    // By another thread: this one keeps everybody's lease.
    const std::lock_guard lock(mutex);
    lost = std::move(renewals->lost);
    losses.Wake();
  }

  milliseconds TakeBack() {
    std::vector<LostTask> taken;
    {
      const std::lock_guard lock(mutex);
      taken.swap(lost);
    }
    if (!taken.empty()) engine.TakeBack(taken);
    return kUntilWoken;
  }
};

WorkerSessions::WorkerSessions(Engine& engine, WorkerSessionOptions options) : impl_(std::make_unique<Impl>(engine, options)) {}
WorkerSessions::~WorkerSessions() { Stop(); }

void WorkerSessions::Start() {
  impl_->losses.Start(kUntilWoken);
  impl_->thread.Start();
}

void WorkerSessions::Stop() {
  std::list<std::shared_ptr<Watch>> left;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    left = impl_->watches;
  }
  impl_->thread.Stop();
  impl_->losses.Stop();
  std::map<std::string, Impl::Report> reports;
  {
    const std::lock_guard lock(impl_->mutex);
    reports.swap(impl_->reports);
  }
  for (auto& [worker, report] : reports) {
    for (auto& done : report.waiting) done(Unavailable("the orchestrator is going down; ask another one"), {});
  }
  // The workers go to another replica at once.
  for (const auto& watch : left) watch->end();
}

void WorkerSessions::Renew(v1::RenewWorkerRequest request, Renewed done) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (!impl_->stopping) {
      if (impl_->reports.empty()) impl_->first_report = steady_clock::now();
      auto& report = impl_->reports[request.worker_id()];
      if (!report.waiting.empty()) Merge(report.request, request);
      report.request = std::move(request);
      report.waiting.push_back(std::move(done));
      if (impl_->known.insert(report.request.worker_id()).second) impl_->hurry = true;
      impl_->thread.Wake();
      return;
    }
  }
  done(Unavailable("the orchestrator is going down; ask another one"), {});
}

std::shared_ptr<WorkerSessions::Watch> WorkerSessions::Add(const std::string& worker_id, Tell tell, std::function<void()> end) {
  auto watch = std::make_shared<Watch>();
  watch->worker_id = worker_id;
  watch->tell = std::move(tell);
  watch->end = std::move(end);
  bool stopping;
  {
    const std::lock_guard lock(impl_->mutex);
    stopping = impl_->stopping;
    impl_->watches.push_back(watch);
  }
  if (stopping) watch->end();
  return watch;
}

void WorkerSessions::Forget(const std::shared_ptr<Watch>& watch) {
  const std::lock_guard lock(impl_->mutex);
  impl_->watches.remove(watch);
  impl_->known.erase(watch->worker_id);
  if (impl_->stopping) return;
  // One that has opened a second stream already lives.
  for (const auto& other : impl_->watches) {
    if (other->worker_id == watch->worker_id) return;
  }
  impl_->gone.push_back(watch->worker_id);
  impl_->thread.Wake();
}

void WorkerSessions::CancelRequested(const std::string& worker_id, const std::string& task_token) {
  v1::WorkerOrders orders;
  orders.add_cancel(task_token);
  Order(worker_id, orders);
}

void WorkerSessions::ReleaseRequested(const std::string& worker_id, const std::string& task_token) {
  v1::WorkerOrders orders;
  orders.add_release(task_token);
  Order(worker_id, orders);
}

void WorkerSessions::Order(const std::string& worker_id, const v1::WorkerOrders& orders) {
  std::vector<std::shared_ptr<Watch>> hit;
  {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& watch : impl_->watches) {
      if (watch->worker_id == worker_id) hit.push_back(watch);
    }
  }
  for (const auto& watch : hit) watch->tell(orders);
}

}  // namespace vora::workflow
