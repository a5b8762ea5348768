#pragma once

// The durable workflow engine over PostgreSQL. Every change is one transaction; nothing lives in memory only, so any number of engines may
// work on one database and any of them may vanish at any time. Thread-safe. Needs the schema of migrations.h.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/workflow/definition/context.h"
#include "libs/workflow/engine/poll_source.h"
#include "vora/workflow/v1/workflow.pb.h"

namespace vora::pg {
class Database;
}

namespace vora::workflow {

// Where the engine says that something can go on. Called after the commit; must not block.
class WakeSink {
 public:
  virtual ~WakeSink() = default;
  virtual void QueueReady(const std::string& queue) = 0;
  // A timer, a deadline or the end of a pause between attempts comes up then.
  virtual void DueAfter(std::chrono::microseconds delay) = 0;
  virtual void RunClosed(const v1::WorkflowInfo& run) = 0;
  virtual void WorkBegan() = 0;  // a worker has got something to do
  // The workflow does not want the result of this attempt any more.
  virtual void CancelRequested(const std::string& worker_id, const std::string& task_token) = 0;
  // The run of this attempt is paused.
  virtual void ReleaseRequested(const std::string& worker_id, const std::string& task_token) = 0;
};

// What becomes of closed runs.
struct RetentionOptions {
  int64_t days = 30;          // they stay, unless their tenant has its own; 0: for ever
  int64_t id_days = 400;      // their ids are known, after they have left; 0: for ever
  std::string export_folder;  // they are written there before they leave; empty: they are not
};

struct EngineOptions {
  size_t replay_cache_bytes = size_t{256} << 20;
  RetentionOptions retention;
  std::string build_id;  // empty: this program's
  bool second_attempts = true;
  std::chrono::milliseconds straggler_pause{1000};  // between looks for them, in each queue
};

// What a look at the deadlines gave.
struct Due {
  bool more = false;                              // a backlog: look again at once
  std::chrono::milliseconds looked_for{0};        // how long the database took for the look itself
  std::optional<std::chrono::microseconds> next;  // until something is due; nothing when nothing is to come
};

struct Claimed {
  std::vector<std::vector<v1::ActivityTask>> answers;  // for each poll
  bool empty = true;  // nothing is left for polls like these; else there was more than was wanted, or the limits, or replicas, let through
};
struct LostTask {
  std::string task_token;
  std::string reason;
};
struct Renewals {
  std::map<std::string, v1::RenewWorkerResponse> answers;  // by worker, for each report
  std::vector<LostTask> lost;
};

class Engine {
 public:
  // All must outlive it.
  Engine(pg::Database& db, const Registry& registry, WakeSink& wake, obs::Metrics& metrics, EngineOptions options = {});
  ~Engine();

  // Calls that take a `done` return at once and answer later, from a thread of the engine, which must not be held up; the request must live
  // until then.
  template <typename Result>
  using Done = std::function<void(Result)>;

  // Workflows (see WorkflowService in workflow.proto).
  void Start(const v1::StartWorkflowRequest& request, Done<StatusOr<v1::StartWorkflowResponse>> done);
  StatusOr<v1::StartWorkflowResponse> Start(const v1::StartWorkflowRequest& request);
  Status Signal(const v1::SignalWorkflowRequest& request);
  Status Cancel(const v1::CancelWorkflowRequest& request);
  Status Terminate(const v1::TerminateWorkflowRequest& request);
  StatusOr<v1::DescribeWorkflowResponse> Describe(const v1::DescribeWorkflowRequest& request);
  // Of runs, each `{workflow_id, run_id}`, without a run_id the newest; for each its own answer. Not OK: the database is away.
  StatusOr<std::vector<StatusOr<v1::WorkflowInfo>>> FindRuns(const std::vector<std::pair<std::string, std::string>>& asked);
  // As far as this process knows, which hears of it when the run closes. Does not look; false: it is not known.
  bool IsKnownOpen(const std::string& run_id);
  StatusOr<v1::ListWorkflowsResponse> List(const v1::ListWorkflowsRequest& request);
  StatusOr<v1::GetHistoryResponse> GetHistory(const v1::GetHistoryRequest& request);

  Status Pause(const v1::PauseWorkflowRequest& request);
  Status Unpause(const v1::UnpauseWorkflowRequest& request);
  StatusOr<v1::RetryNowResponse> RetryNow(const v1::RetryNowRequest& request);
  Status SetPriority(const v1::SetWorkflowPriorityRequest& request);

  // Activities (see ActivityService). ABORTED: the token is stale.
  // Does not wait.
  StatusOr<std::vector<v1::ActivityTask>> Claim(const v1::PollActivitiesRequest& request);
  // The same for polls of one queue and the same types, in the order in which they wait. They must pass CheckPoll.
  StatusOr<Claimed> Claim(const std::vector<const v1::PollActivitiesRequest*>& polls);
  // Whether a poll of this queue that finds nothing should be tried again, as it may be given a second attempt of a straggler.
  bool MayHaveStragglers(const std::string& queue);
  // INVALID_ARGUMENT names the field and the limit.
  static Status CheckPoll(const v1::PollActivitiesRequest& request, const std::string& within = "");
  StatusOr<bool> Heartbeat(const v1::HeartbeatActivityRequest& request);  // true: cancel requested
  void Complete(const v1::CompleteActivityRequest& request, Done<StatusOr<v1::CompleteActivityResponse>> done);
  Status Complete(const v1::CompleteActivityRequest& request);
  void Fail(const v1::FailActivityRequest& request, Done<StatusOr<bool>> done);  // true: will be tried again
  StatusOr<bool> Fail(const v1::FailActivityRequest& request);
  Status Release(const v1::ReleaseActivityRequest& request);

  // Keeps the leases of those who report, and stores what they say. `gone`: workers whose connection broke; their leases end soon.
  StatusOr<Renewals> RenewWorkers(const std::vector<v1::RenewWorkerRequest>& reports, const std::vector<std::string>& gone);
  // Takes them back: their worker does not hold them any more (the answer was lost), or its lease has ended. Those that cannot be had now
  // come with the next renewal again.
  void TakeBack(const std::vector<LostTask>& lost);
  // INVALID_ARGUMENT names the field and the limit.
  static Status CheckRenewal(const v1::RenewWorkerRequest& request);
  static Status CheckWorker(const std::string& worker_id, const std::string& within = "");

  // Of each open run of which something runs or waits for another attempt, the sums of that, by run (RunProgress). Of what waits for
  // another attempt it looks at no more than a thousand, those that have come to an end last.
  StatusOr<std::map<std::string, v1::RunProgress>> ReadProgress();
  // Those of them that are closed.
  StatusOr<std::vector<v1::RunProgress>> ReadClosed(const std::vector<std::string>& run_ids);

  // For operators.
  // One that leaves gives up what it still holds: those tasks are ready again at once, and the attempt is not counted.
  Status ReportWorker(const v1::ReportWorkerRequest& request);
  StatusOr<v1::DescribeQueuesResponse> DescribeQueues();
  StatusOr<v1::ListQueueSettingsResponse> ListQueueSettings();
  StatusOr<v1::QueueSettings> GetQueueSettings(const std::string& queue);
  StatusOr<v1::QueueSettings> SetQueueSettings(const v1::SetQueueSettingsRequest& request);
  StatusOr<v1::QueueSettings> ResetQueueSettings(const std::string& queue);
  StatusOr<v1::ListTenantSettingsResponse> ListTenantSettings();
  StatusOr<v1::TenantSettings> GetTenantSettings(const std::string& tenant);
  StatusOr<v1::TenantSettings> SetTenantSettings(const v1::SetTenantSettingsRequest& request);
  StatusOr<v1::TenantSettings> ResetTenantSettings(const std::string& tenant);

  // One round over what is due: timers, deadlines, pauses between attempts, expired runs. `expire_leases` false spares attempts whose
  // heartbeats are missing (after an outage of our own, workers need a moment to reach us). Replicas share a backlog.
  StatusOr<Due> HandleDue(bool expire_leases);
  // Tries parked runs that this build has not tried yet, at most `limit`: where code and history agree they go on. How many were tried.
  StatusOr<int> RetryParked(int limit);
  // One step of a walk over closed runs, which replicas do in turn: those that have stayed long enough leave. True: the walk goes on; else
  // the next one is due after `pause`.
  StatusOr<bool> LetOldRunsLeave(std::chrono::milliseconds pause);
  // It closed, on whatever replica.
  void RunClosed(const std::string& run_id);
  // Whose polls are given what transitions schedule; nullptr: nobody's. Set before calls come, and after the last has ended.
  void SetPollSource(PollSource* polls);
  // Ends what goes on in the background; afterwards nothing wakes anybody but calls. Before those who are woken go.
  void Stop();

  // Sets the gauges of queue depth, cost and age.
  Status UpdateQueueMetrics();

 private:
  Status Forget(const std::string& worker_id);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::workflow
