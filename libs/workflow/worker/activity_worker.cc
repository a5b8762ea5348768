#include "libs/workflow/worker/activity_worker.h"

#include <grpcpp/client_context.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <set>
#include <thread>

#include "libs/core/ids.h"
#include "libs/core/version.h"
#include "libs/log/log.h"
#include "libs/obs/trace.h"
#include "libs/rpc/client.h"
#include "libs/rpc/status.h"
#include "libs/run/retry.h"
#include "libs/workflow/definition/history.h"
#include "libs/workflow/metrics.h"
#include "libs/workflow/worker/activity_execution_internal.h"
#include "libs/workflow/worker/claimed_group_internal.h"
#include "libs/workflow/worker/orchestrator_link_internal.h"
#include "libs/workflow/worker/worker_lease_internal.h"

namespace vora::workflow {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr milliseconds kPollWait{10'000};
constexpr milliseconds kHealthy{15'000};
constexpr milliseconds kLeaveBudget{1000};
constexpr milliseconds kClaimPause{1000};
constexpr milliseconds kFreshLease{2000};
constexpr size_t kMostCheckpointBytes = 3 << 20;  // of a report: gRPC takes 4 MiB
constexpr RetryOptions kPollRetry{.max_attempts = 0, .initial = milliseconds{100}, .max = milliseconds{2000}, .multiplier = 2.0};

std::string DefaultWorkerId() {
  char host[256] = "host";
  gethostname(host, sizeof host - 1);
  // In containers host and pid (1) repeat after a restart; with the random part old leases never look like this process's own.
  return std::string(host) + "/" + std::to_string(getpid()) + "/" + RandomHex(3);
}

// For handlers that end with their report: the slot is free with it, and goes on with what comes as its answer.
struct Next {
  std::function<std::optional<v1::PollActivitiesRequest>()> poll;
  std::optional<v1::ActivityTask> task;
};

// What a handler holds. The worker shares the ClaimedTask, so that it may outlive the handler while it reports.
class Execution : public ActivityExecution {
 public:
  // `next` may be nullptr.
  Execution(std::shared_ptr<ClaimedTask> claimed, std::shared_ptr<Next> next) : claimed_(std::move(claimed)), next_(std::move(next)) {}
  ~Execution() override { claimed_->Fail(AbandonedFailure()); }
  const v1::ActivityTask& task() const override { return claimed_->task(); }
  void Heartbeat(double progress, std::string checkpoint) override { claimed_->Remember(progress, std::move(checkpoint)); }
  StopCause stop_cause() const override { return claimed_->stop_cause(); }
  void Complete(std::string result_json) override {
    auto task = claimed_->Complete(std::move(result_json), next_ ? next_->poll() : std::nullopt);
    if (task) next_->task = std::move(task);
  }
  void Fail(v1::Failure failure) override { claimed_->Fail(std::move(failure)); }
  void Cancel() override { claimed_->Cancel(); }
  void Release(std::string checkpoint) override { claimed_->Release(std::move(checkpoint)); }

 private:
  const std::shared_ptr<ClaimedTask> claimed_;
  const std::shared_ptr<Next> next_;
};

// A handler that was asked to stop may still have finished: a result is worth more than a hand-back.
void Report(ActivityExecution& execution, ActivityOutcome outcome) {
  if (outcome.ok) return execution.Complete(std::move(outcome.result));
  switch (execution.stop_cause()) {
    case StopCause::kCancelRequested:
      return execution.Cancel();
    case StopCause::kDraining:
      return execution.Release("");
    // Without a lease the report ends at once, unsent; it is made so that the task counts as ended.
    case StopCause::kLeaseLost:
    case StopCause::kNone:
      return execution.Fail(std::move(outcome.failure));
  }
}

void LogStarted(const v1::ActivityTask& task) {
  log::Info("activity started", {{"workflow_id", task.workflow_id()},
                                 {"activity_id", task.activity_id()},
                                 {"activity_type", task.activity_type()},
                                 {"attempt", task.attempt()}});
}

}  // namespace

ActivityOutcome ActivityOutcome::Ok(std::string result_json) {
  ActivityOutcome outcome;
  outcome.ok = true;
  outcome.result = std::move(result_json);
  return outcome;
}

ActivityOutcome ActivityOutcome::Failed(std::string code, std::string message, bool non_retryable, std::string details) {
  ActivityOutcome outcome;
  outcome.failure = MakeFailure(std::move(code), std::move(message));
  outcome.failure.set_non_retryable(non_retryable);
  outcome.failure.set_details(std::move(details));
  return outcome;
}

ActivityOutcome ActivityOutcome::FromStatus(const Status& status, const std::string& code_prefix) {
  // Codes that the same input would get again.
  const bool permanent = status.code() == StatusCode::kInvalidArgument || status.code() == StatusCode::kNotFound ||
                         status.code() == StatusCode::kFailedPrecondition;
  return Failed(code_prefix + "." + CodeName(status.code()), Message(status), permanent);
}

struct ActivityWorker::Impl {
  // What one slot does: a task, or the items of a group.
  struct Work {
    std::vector<std::shared_ptr<ActivityExecution>> executions;
    std::string activity_type;
    obs::TraceContext trace;
    std::shared_ptr<Next> next;
  };
  struct Handler {
    ActivityGroupHandler run;
    bool ends_with_report = false;
  };

  ActivityWorkerOptions options;
  obs::Metrics& metrics;
  OrchestratorLink link;
  std::shared_ptr<DrainState> drain = std::make_shared<DrainState>();
  std::map<std::string, Handler> handlers;

  mutable std::mutex mutex;
  std::condition_variable changed;  // for the poll loop and Stop
  std::condition_variable queued;   // for the slots, one for each Work
  std::deque<Work> queue;
  std::vector<std::weak_ptr<ClaimedTask>> claimed;
  int busy = 0;  // tasks queued or in a handler
  bool started = false, stopping = false, finished = false;
  steady_clock::time_point last_answer;
  std::unique_ptr<grpc::ClientContext> poll_context;
  bool polling = false;  // the poll loop has not ended
  ReportStream reports{link};
  WorkerLease lease;
  EarlyItems early;
  std::vector<std::thread> threads;

  Impl(ActivityWorkerOptions o, obs::Metrics& m)
      : options(Complete(std::move(o))),
        metrics(m),
        link(options.orchestrator, [this] { LinkReplaced(); }),
        lease(link, options.worker_id, options.queue,
              {[this] { return Look(); }, [this](v1::RenewWorkerRequest& report) { NameTasks(report); },
               [this](const v1::RenewWorkerRequest& report, const v1::RenewWorkerResponse& answer) { ReportTaken(report, answer); },
               [this](const v1::WorkerOrders& orders) { Obey(orders); }}) {}

  static ActivityWorkerOptions Complete(ActivityWorkerOptions options) {
    options.slots = std::max(options.slots, 1);
    if (options.worker_id.empty()) options.worker_id = DefaultWorkerId();
    return options;
  }

  // What is claimed comes under the worker's lease: only while its reports are answered.
  bool lease_is_fresh() const { return steady_clock::now() - lease.last_good() < kFreshLease; }
  void CountEnd(const std::string& type, const std::string& result) { kWorkerActivities.In(metrics, {type, result}).Increment(); }

  v1::PollActivitiesRequest PollFor(int tasks);
  std::optional<v1::PollActivitiesRequest> PollForNext();
  StatusOr<v1::PollActivitiesResponse> Poll(int free);
  void PollLoop();
  void Take(v1::PollActivitiesResponse response);
  Work ToWork(v1::ActivityTask task);
  void Do(Work& work);
  void SlotLoop();
  void NameTasks(v1::RenewWorkerRequest& report);
  void ReportTaken(const v1::RenewWorkerRequest& report, const v1::RenewWorkerResponse& answer);
  void Obey(const v1::WorkerOrders& orders);
  void LinkReplaced();
  v1::WorkerStatus Look();
  std::vector<std::shared_ptr<ClaimedTask>> Live();
};

v1::PollActivitiesRequest ActivityWorker::Impl::PollFor(int tasks) {
  v1::PollActivitiesRequest request;
  request.set_queue(options.queue);
  request.set_worker_id(options.worker_id);
  request.set_max_tasks(tasks);
  for (const auto& [type, handler] : handlers) request.add_activity_types(type);
  return request;
}

std::optional<v1::PollActivitiesRequest> ActivityWorker::Impl::PollForNext() {
  // Whether it may claim can take seconds to know, and the report does not wait.
  if (options.may_claim) return {};
  const std::lock_guard lock(mutex);
  if (stopping || !lease_is_fresh()) return {};
  return PollFor(1);
}

StatusOr<v1::PollActivitiesResponse> ActivityWorker::Impl::Poll(int free) {
  v1::PollActivitiesRequest request = PollFor(std::min(free, 100));
  grpc::ClientContext* context;
  {
    std::lock_guard lock(mutex);
    // Under the mutex that Stop holds while it cancels: either it finds the context, or the call is never made.
    if (stopping) return Cancelled("stopping");
    request.mutable_wait()->set_seconds(kPollWait.count() / 1000);
    poll_context = std::make_unique<grpc::ClientContext>();
    context = poll_context.get();
  }
  // Longer than the wait, so that the server's empty answer comes before our deadline: a call cut off here may have claimed tasks.
  rpc::Prepare(*context, kPollWait + milliseconds{5000});
  v1::PollActivitiesResponse response;
  const Status status = rpc::FromGrpc(link.stub()->PollActivities(context, request, &response));
  std::lock_guard lock(mutex);
  poll_context.reset();
  if (!status.ok()) return status;
  last_answer = steady_clock::now();
  return response;
}

void ActivityWorker::Impl::PollLoop() {
  int failures = 0;
  while (true) {
    int free;
    {
      std::unique_lock lock(mutex);
      const auto may_poll = [&] { return busy < options.slots && lease_is_fresh(); };
      while (!stopping && !may_poll()) changed.wait_for(lock, kClaimPause);
      if (stopping) return;
      free = options.slots - busy;
    }
    if (options.may_claim && !options.may_claim()) {
      std::unique_lock lock(mutex);
      changed.wait_for(lock, kClaimPause, [&] { return stopping; });
      continue;
    }
    auto response = Poll(free);
    if (response.ok()) {
      failures = 0;
      Take(std::move(response).value());
      continue;
    }
    std::unique_lock lock(mutex);
    if (stopping) return;
    ++failures;
    if (failures == 1 || failures % 20 == 0) {
      log::Warn("polling failed", {{"queue", options.queue}, {"orchestrator", options.orchestrator}, {"error", ToText(response.status())}});
    }
    changed.wait_for(lock, BackoffDelay(kPollRetry, std::min(failures, 10), response.status()), [&] { return stopping; });
  }
}

// With the mutex held.
ActivityWorker::Impl::Work ActivityWorker::Impl::ToWork(v1::ActivityTask task) {
  auto item = std::make_shared<ClaimedTask>(link, reports, lease, std::move(task), drain,
                                            [this](const std::string& type, const std::string& result) { CountEnd(type, result); });
  claimed.push_back(item);
  Work work{{}, item->task().activity_type(), item->trace(), {}};
  if (handlers.at(work.activity_type).ends_with_report) work.next = std::make_shared<Next>(Next{[this] { return PollForNext(); }, {}});
  if (item->task().items().empty()) {
    work.executions.push_back(std::make_shared<Execution>(std::move(item), work.next));
  } else {
    work.executions = ExecutionsOfItems(std::move(item), early);
  }
  return work;
}

void ActivityWorker::Impl::Take(v1::PollActivitiesResponse response) {
  std::lock_guard lock(mutex);
  for (auto& task : *response.mutable_tasks()) {
    // Taken even while the worker stops: the slots hand it back, with the attempt uncounted.
    queue.push_back(ToWork(std::move(task)));
    ++busy;
    queued.notify_one();
  }
}

void ActivityWorker::Impl::Do(Work& work) {
  if (drain->draining) {
    for (auto& execution : work.executions) execution->Release("");
  } else {
    const obs::TraceScope trace(work.trace);
    for (const auto& execution : work.executions) LogStarted(execution->task());
    const auto& handler = handlers.at(work.activity_type);
    try {
      handler.run(work.executions);
    } catch (const std::exception& e) {
      for (auto& execution : work.executions) execution->Fail(MakeFailure("worker.exception", e.what()));
    }
  }
  // Before the slot counts as free and outside the mutex: executions that were not ended report a failure here, over the network.
  work.executions.clear();
}

void ActivityWorker::Impl::SlotLoop() {
  std::unique_lock lock(mutex);
  while (true) {
    // On `finished`, not on `stopping`: what was claimed before the drain is still to be handed back.
    queued.wait(lock, [&] { return finished || !queue.empty(); });
    if (queue.empty()) return;
    Work work = std::move(queue.front());
    queue.pop_front();
    while (true) {
      lock.unlock();
      Do(work);
      lock.lock();
      if (!work.next || !work.next->task) break;
      work = ToWork(std::move(*work.next->task));
    }
    --busy;
    changed.notify_all();
  }
}

std::vector<std::shared_ptr<ClaimedTask>> ActivityWorker::Impl::Live() {
  std::vector<std::shared_ptr<ClaimedTask>> live;
  // Weak, so that a task lives as long as its handler holds it: its end needs no call from here.
  std::erase_if(claimed, [&](const std::weak_ptr<ClaimedTask>& weak) {
    auto item = weak.lock();
    if (item) live.push_back(std::move(item));
    return weak.expired();
  });
  return live;
}

void ActivityWorker::Impl::NameTasks(v1::RenewWorkerRequest& report) {
  const std::lock_guard lock(mutex);
  size_t room = kMostCheckpointBytes;
  for (const auto& item : Live()) item->AddTo(report, room);
}

void ActivityWorker::Impl::ReportTaken(const v1::RenewWorkerRequest& report, const v1::RenewWorkerResponse& answer) {
  Obey(answer.orders());
  std::map<std::string, const std::string*> checkpoints;
  for (const auto& task : report.tasks()) checkpoints[task.task_token()] = &task.checkpoint();
  const std::lock_guard lock(mutex);
  last_answer = steady_clock::now();
  changed.notify_all();
  for (const auto& item : Live()) {
    const auto& token = item->task().task_token();
    const bool stored = std::find(answer.stored().begin(), answer.stored().end(), token) != answer.stored().end();
    if (stored && checkpoints.contains(token)) item->Stored(*checkpoints[token]);
  }
}

void ActivityWorker::Impl::Obey(const v1::WorkerOrders& orders) {
  const auto named = [](const auto& tokens, const std::string& token) {
    return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
  };
  if (orders.cancel().empty() && orders.stale().empty() && orders.release().empty()) return;
  const std::lock_guard lock(mutex);
  for (const auto& item : Live()) {
    if (named(orders.cancel(), item->task().task_token())) item->RequestCancel();
    if (named(orders.stale(), item->task().task_token())) item->Lose();
    if (named(orders.release(), item->task().task_token())) item->RequestRelease();
  }
}

void ActivityWorker::Impl::LinkReplaced() {
  lease.Reconnect();
  reports.Reconnect();
  const std::lock_guard lock(mutex);
  if (poll_context) poll_context->TryCancel();
}

v1::WorkerStatus ActivityWorker::Impl::Look() {
  v1::WorkerStatus status;
  status.set_slots(options.slots);
  {
    std::lock_guard lock(mutex);
    status.set_running(busy);
  }
  status.set_encode_speed(options.encode_speed ? options.encode_speed() : 0);
  status.set_version(std::string(Version()));
  return status;
}

ActivityWorker::ActivityWorker(ActivityWorkerOptions options, obs::Metrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), metrics)) {}

ActivityWorker::~ActivityWorker() {
  Stop(milliseconds{0});
  {
    std::lock_guard lock(impl_->mutex);
    impl_->finished = true;
    impl_->queued.notify_all();
  }
  for (auto& thread : impl_->threads) thread.join();
}

void ActivityWorker::Handle(std::string activity_type, ActivityHandler handler) {
  const auto run = [handler = std::move(handler)](std::vector<std::shared_ptr<ActivityExecution>> group) {
    for (auto& execution : group) Report(*execution, handler(*execution));
  };
  impl_->handlers[std::move(activity_type)] = {run, true};
}

void ActivityWorker::HandleGroup(std::string activity_type, ActivityGroupHandler handler) {
  impl_->handlers[std::move(activity_type)] = {std::move(handler), false};
}

void ActivityWorker::Start() {
  std::lock_guard lock(impl_->mutex);
  if (impl_->started || impl_->stopping) return;
  impl_->started = true;
  Impl* impl = impl_.get();
  for (int i = 0; i < impl->options.slots; ++i) impl->threads.emplace_back([impl] { impl->SlotLoop(); });
  impl->polling = true;
  impl->threads.emplace_back([impl] {
    impl->PollLoop();
    std::lock_guard ended(impl->mutex);
    impl->polling = false;
    impl->changed.notify_all();
  });
  impl->lease.Start();
  impl->reports.Start();
}

void ActivityWorker::Stop(milliseconds budget) {
  std::vector<std::shared_ptr<ClaimedTask>> left;
  {
    std::unique_lock lock(impl_->mutex);
    impl_->stopping = true;
    // Before the poll is cancelled: tasks of an answer that comes all the same find it set in their slot.
    impl_->drain->draining = true;
    if (impl_->poll_context) impl_->poll_context->TryCancel();
    impl_->changed.notify_all();
    if (!impl_->changed.wait_for(lock, budget, [&] { return impl_->busy == 0 && !impl_->polling; })) left = impl_->Live();
  }
  {
    // Under its mutex: a report that has just looked and begins to wait would miss the notification.
    std::lock_guard lock(impl_->drain->mutex);
    impl_->drain->give_up = true;
    impl_->drain->changed.notify_all();
  }
  for (auto& item : left) {
    if (!item->ended()) item->Release("");
  }
  // Last: to leave gives up everything the orchestrator knows under this worker, which must not take a checkpoint from what is just being
  // released.
  impl_->lease.Leave(kLeaveBudget);
  impl_->reports.Stop();
}

Status ActivityWorker::Health() const {
  std::lock_guard lock(impl_->mutex);
  if (impl_->last_answer != steady_clock::time_point{} && steady_clock::now() - impl_->last_answer <= kHealthy) return {};
  return Unavailable("no answer from the orchestrator at " + impl_->options.orchestrator + " within the last 15 s");
}

int ActivityWorker::running() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->busy;
}

}  // namespace vora::workflow
