#include "libs/workflow/engine/engine_internal.h"
#include "libs/workflow/metrics.h"

namespace vora::workflow {
namespace {

// Counting takes no more than a fiftieth of the time, however much there is to count.
constexpr int64_t kPauseToCounting = 50;
constexpr std::chrono::microseconds kLeastPause{100'000};

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

// `read(tx, pause)`, with the pause that fits how long it took to count the last time, which is noted.
template <typename Figures>
StatusOr<Figures> Engine::Impl::ReadCounted(std::atomic<int64_t>& counting_us,
                                            repo::Counted<Figures> (*read)(pqxx::transaction_base&, std::chrono::microseconds)) {
  const auto pause = std::max(kLeastPause, std::chrono::microseconds(counting_us * kPauseToCounting));
  const auto begin = std::chrono::steady_clock::now();
  VORA_ASSIGN_OR_RETURN(auto counted, Read([&](pqxx::nontransaction& tx) -> StatusOr<repo::Counted<Figures>> { return read(tx, pause); }));
  const auto took = std::chrono::steady_clock::now() - begin;
  if (counted.now) counting_us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  return std::move(counted.figures);
}

StatusOr<std::vector<repo::QueueStats>> Engine::Impl::ReadQueues() { return ReadCounted(counting_queues_us, &repo::ReadQueueStats); }

void Engine::Impl::UpdateCacheMetrics() {
  const ReplayCache::Uses uses = cache.uses();
  kReplayCacheBytes.In(metrics).Set(static_cast<double>(uses.bytes));
  const std::lock_guard lock(queues_mutex);
  kReplayCacheUses.In(metrics, {"hit"}).Increment(static_cast<double>(uses.hits - told_uses.hits));
  kReplayCacheUses.In(metrics, {"miss"}).Increment(static_cast<double>(uses.misses - told_uses.misses));
  told_uses = uses;
}

Status Engine::UpdateQueueMetrics() {
  impl_->UpdateCacheMetrics();
  VORA_ASSIGN_OR_RETURN(const auto queues, impl_->ReadQueues());
  VORA_ASSIGN_OR_RETURN(const auto runs, impl_->ReadCounted(impl_->counting_runs_us, &repo::ReadRunStats));
  auto& metrics = impl_->metrics;
  kRuns.In(metrics, {"running"}).Set(runs.running);
  kRuns.In(metrics, {"parked"}).Set(runs.parked);
  kRuns.In(metrics, {"paused"}).Set(runs.paused);
  kOldestRun.In(metrics).Set(runs.oldest_age_seconds);
  kLongestSilence.In(metrics).Set(runs.longest_silence_seconds);

  // Queues once seen are set to 0 when the query does not name them any more: a gauge that is not set keeps its last value for ever.
  std::lock_guard lock(impl_->queues_mutex);
  std::map<std::string, repo::QueueStats> by_queue;
  for (const auto& queue : impl_->known_queues) by_queue[queue];  // empty now
  for (const auto& queue : queues) by_queue[queue.name] = queue;
  for (const auto& [name, queue] : by_queue) {
    impl_->known_queues.insert(name);
    kQueueDepth.In(metrics, {name}).Set(static_cast<double>(queue.ready + queue.delayed));
    kQueueEncodeSeconds.In(metrics, {name}).Set(queue.estimated_cost + queue.running_cost);
    kQueueOldestAge.In(metrics, {name}).Set(queue.oldest_ready_seconds);
    kWorkers.In(metrics, {name}).Set(static_cast<double>(queue.workers));
    kWorkerSlots.In(metrics, {name}).Set(static_cast<double>(queue.worker_slots));
    kWorkerSlotsInUse.In(metrics, {name}).Set(static_cast<double>(queue.busy_slots));
    impl_->slots[name] = static_cast<int>(queue.worker_slots);
    impl_->running[name] = queue.running;
  }
  return {};
}

}  // namespace vora::workflow
