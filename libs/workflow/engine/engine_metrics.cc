#include "libs/workflow/engine/engine_internal.h"
#include "libs/workflow/metrics.h"
#include "libs/workflow/store/claim_repo_internal.h"
#include "libs/workflow/store/stats_repo_internal.h"

namespace vora::workflow {
namespace {

struct Queue {
  repo::QueueStats tasks;
  repo::WorkerStats workers;
};

double Seconds(int64_t us) { return static_cast<double>(std::max<int64_t>(us, 0)) / 1e6; }

}  // namespace

void Engine::Impl::CountAttempt(const std::string& type, const char* result) { kAttempts.In(metrics, {type, result}).Increment(); }

void Engine::Impl::NoteClaimed(const std::string& type, int64_t waited_us) {
  kActivityWait.In(metrics, {type}).Observe(Seconds(waited_us));
}

void Engine::Impl::NoteClosed(const RunRow& run) {
  const int64_t ran_us = run.close_time_us.value_or(run.now_us) - run.start_time_us;
  kRunDuration.In(metrics, {run.type, run.status}).Observe(Seconds(ran_us));
}

Status Engine::UpdateQueueMetrics() {
  std::vector<repo::QueueStats> tasks;
  std::vector<repo::WorkerStats> workers;
  repo::RunStats runs;
  VORA_RETURN_IF_ERROR(impl_->Read([&](pqxx::nontransaction& tx) -> Status {
    tasks = repo::ReadQueueStats(tx);
    workers = repo::ReadWorkerStats(tx);
    runs = repo::ReadRunStats(tx);
    return {};
  }));
  auto& metrics = impl_->metrics;
  kRuns.In(metrics, {"running"}).Set(runs.running);
  kRuns.In(metrics, {"parked"}).Set(runs.parked);
  kRuns.In(metrics, {"paused"}).Set(runs.paused);
  kOldestRun.In(metrics).Set(runs.oldest_age_seconds);
  kLongestSilence.In(metrics).Set(runs.longest_silence_seconds);

  // Queues once seen are set to 0 when the query does not name them any more: a gauge that is not set keeps its last value for ever.
  std::lock_guard lock(impl_->queues_mutex);
  std::map<std::string, Queue> by_queue;
  for (const auto& queue : impl_->known_queues) by_queue[queue];  // empty now
  for (auto& item : tasks) by_queue[item.queue].tasks = item;
  for (auto& item : workers) by_queue[item.queue].workers = item;
  for (const auto& [queue, stats] : by_queue) {
    impl_->known_queues.insert(queue);
    kQueueDepth.In(metrics, {queue}).Set(stats.tasks.depth);
    kQueueEncodeSeconds.In(metrics, {queue}).Set(stats.tasks.cost_seconds);
    kQueueOldestAge.In(metrics, {queue}).Set(stats.tasks.oldest_age_seconds);
    kWorkers.In(metrics, {queue}).Set(stats.workers.workers);
    kWorkerSlots.In(metrics, {queue}).Set(stats.workers.slots);
    kWorkerSlotsInUse.In(metrics, {queue}).Set(stats.workers.running);
    impl_->slots[queue] = static_cast<int>(stats.workers.slots);
  }
  return {};
}

}  // namespace vora::workflow
