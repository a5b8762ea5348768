#include <algorithm>
#include <cmath>
#include <utility>

#include "libs/log/log.h"
#include "libs/workflow/definition/history.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/definition/retry_policy.h"
#include "libs/workflow/worker/claimed_group_internal.h"

namespace vora::workflow {
namespace {

constexpr std::chrono::milliseconds kTellAgain{1000};
constexpr std::chrono::hours kNothingToTell{1};

class ClaimedGroup : public EarlyItems::Source {
 public:
  ClaimedGroup(std::shared_ptr<ClaimedTask> claimed, EarlyItems& early)
      : claimed_(std::move(claimed)), early_(early), wait_(ToMicros(claimed_->task().item_wait()) / 1000) {
    const v1::ActivityTask& whole = claimed_->task();
    const auto checkpoints = ParseCheckpoint(whole.checkpoint());
    for (const auto& one : whole.items()) {
      Item item;
      item.task = whole;
      item.task.clear_items();
      *item.task.add_items() = one;
      item.task.set_activity_id(ItemActivityId(one.name(), whole.activity_id()));
      item.task.set_attempt(one.attempt());
      item.task.set_checkpoint(checkpoints.value(one.name(), ""));
      item.checkpoint = item.task.checkpoint();
      item.outcome.set_name(one.name());
      items_.push_back(std::move(item));
    }
    open_ = items_.size();
  }

  size_t size() const { return items_.size(); }
  const v1::ActivityTask& task(size_t index) const { return items_[index].task; }
  StopCause stop_cause() const { return claimed_->stop_cause(); }

  void Remember(size_t index, double progress, std::string checkpoint) {
    const std::lock_guard lock(mutex_);
    Item& item = items_[index];
    if (std::isfinite(progress)) item.progress = std::clamp(progress, 0.0, 1.0);
    if (!checkpoint.empty()) item.checkpoint = std::move(checkpoint);
    Remember();
  }

  void Complete(size_t index, std::string result) {
    // The orchestrator would refuse the report of all. Made again it would be the same, so it is the end of this item.
    if (const Status fits = CheckPayload("result", result); !fits.ok()) {
      return Fail(index, MakeFailure("worker.invalid_result", Message(fits), true));
    }
    v1::ItemOutcome outcome;
    outcome.set_result(std::move(result));
    End(index, std::move(outcome), false);
  }
  void Fail(size_t index, v1::Failure failure) {
    v1::ItemOutcome outcome;
    *outcome.mutable_failure() = Presentable(std::move(failure));
    End(index, std::move(outcome), false);
  }
  std::optional<SteadyTime> DueAt() override {
    const std::lock_guard lock(mutex_);
    return due_;
  }
  void Tell() override {
    std::vector<v1::ItemOutcome> outcomes;
    {
      const std::lock_guard lock(mutex_);
      if (!due_ || open_ == 0) return;
      for (const auto& item : items_) {
        if (item.ended && !item.told && item.outcome.has_result()) outcomes.push_back(item.outcome);
      }
    }
    const Status told = claimed_->TellItems(outcomes);
    const std::lock_guard lock(mutex_);
    due_.reset();
    for (auto& item : items_) {
      const bool named = std::any_of(outcomes.begin(), outcomes.end(), [&](const auto& one) { return one.name() == item.outcome.name(); });
      if (named && told.ok()) item.told = true;
      // One that has ended meanwhile, or that could not be told of: the last report names it in any case.
      if (item.ended && !item.told && item.outcome.has_result() && !due_)
        due_ = std::chrono::steady_clock::now() + std::max(wait_, kTellAgain);
    }
  }

  void Cancel(size_t index) { End(index, {}, true); }
  void Release(size_t index, std::string checkpoint) {
    {
      const std::lock_guard lock(mutex_);
      if (!checkpoint.empty() && !items_[index].ended) items_[index].checkpoint = std::move(checkpoint);
    }
    v1::ItemOutcome outcome;
    outcome.set_released(true);
    End(index, std::move(outcome), false);
  }

 private:
  struct Item {
    v1::ActivityTask task;
    double progress = 0;
    std::string checkpoint;
    bool ended = false;
    bool told = false;  // that it is done
    v1::ItemOutcome outcome;
  };

  static nlohmann::json ParseCheckpoint(const std::string& text) {
    auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    return json.is_object() ? json : nlohmann::json::object();
  }

  std::string Checkpoint() const {
    auto json = nlohmann::json::object();
    for (const auto& item : items_) {
      if (!item.checkpoint.empty()) json[item.outcome.name()] = item.checkpoint;
    }
    return json.empty() ? "" : json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  // With the mutex held.
  void Remember() {
    double sum = 0;
    std::vector<v1::ItemProgress> progress;
    for (const auto& item : items_) {
      progress.emplace_back();
      progress.back().set_name(item.outcome.name());
      progress.back().set_progress(item.progress);
      sum += item.progress;
    }
    claimed_->Remember(sum / static_cast<double>(items_.size()), Checkpoint(), std::move(progress));
  }

  void End(size_t index, v1::ItemOutcome outcome, bool canceled) {
    std::vector<v1::ItemOutcome> outcomes;
    std::string checkpoint;
    {
      const std::lock_guard lock(mutex_);
      Item& item = items_[index];
      if (std::exchange(item.ended, true)) return;
      outcome.set_name(item.outcome.name());
      if (outcome.has_result()) item.progress = 1;
      item.outcome = std::move(outcome);
      canceled_ = canceled_ || canceled;
      Remember();
      if (--open_ > 0) {
        if (!item.outcome.has_result() || due_) return;
        due_ = std::chrono::steady_clock::now() + wait_;
        early_.Look();
        return;
      }
      for (const auto& one : items_) outcomes.push_back(one.outcome);
      checkpoint = Checkpoint();
    }
    // Whoever ended the last one reports, outside the mutex: it may take long.
    if (canceled_) return claimed_->Cancel();
    const bool released = std::all_of(outcomes.begin(), outcomes.end(), [](const auto& one) { return one.released(); });
    if (released) return claimed_->Release(std::move(checkpoint));
    claimed_->CompleteItems(outcomes, std::move(checkpoint));
  }

  const std::shared_ptr<ClaimedTask> claimed_;
  EarlyItems& early_;
  const std::chrono::milliseconds wait_;
  std::mutex mutex_;
  size_t open_ = 0;
  std::optional<SteadyTime> due_;  // when those that are done and not told of are to be
  std::vector<Item> items_;
  bool canceled_ = false;  // the workflow does not want the group any more
};

class ItemExecution : public ActivityExecution {
 public:
  ItemExecution(std::shared_ptr<ClaimedGroup> group, size_t index) : group_(std::move(group)), index_(index) {}
  ~ItemExecution() override { group_->Fail(index_, AbandonedFailure()); }
  const v1::ActivityTask& task() const override { return group_->task(index_); }
  void Heartbeat(double progress, std::string checkpoint) override { group_->Remember(index_, progress, std::move(checkpoint)); }
  StopCause stop_cause() const override { return group_->stop_cause(); }
  void Complete(std::string result_json) override { group_->Complete(index_, std::move(result_json)); }
  void Fail(v1::Failure failure) override { group_->Fail(index_, std::move(failure)); }
  void Cancel() override { group_->Cancel(index_); }
  void Release(std::string checkpoint) override { group_->Release(index_, std::move(checkpoint)); }

 private:
  const std::shared_ptr<ClaimedGroup> group_;
  const size_t index_;
};

}  // namespace

EarlyItems::~EarlyItems() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void EarlyItems::Add(std::weak_ptr<Source> source) {
  const std::lock_guard lock(mutex_);
  sources_.push_back(std::move(source));
}

void EarlyItems::Look() {
  const std::lock_guard lock(mutex_);
  look_ = true;
  changed_.notify_all();
}

void EarlyItems::Loop() {
  std::unique_lock lock(mutex_);
  auto next = std::chrono::steady_clock::now() + kNothingToTell;
  while (!ending_) {
    changed_.wait_until(lock, next, [&] { return look_ || ending_; });
    look_ = false;
    next = std::chrono::steady_clock::now() + kNothingToTell;
    std::vector<std::shared_ptr<Source>> live;
    std::erase_if(sources_, [&](const auto& weak) {
      auto source = weak.lock();
      if (source) live.push_back(std::move(source));
      return weak.expired();
    });
    // The last reference may end a group, which reports: not under the mutex.
    lock.unlock();
    for (const auto& source : live) {
      auto due = source->DueAt();
      if (due && *due <= std::chrono::steady_clock::now()) {
        source->Tell();
        due = source->DueAt();
      }
      if (due) next = std::min(next, *due);
    }
    live.clear();
    lock.lock();
  }
}

std::vector<std::shared_ptr<ActivityExecution>> ExecutionsOfItems(std::shared_ptr<ClaimedTask> claimed, EarlyItems& early) {
  const auto group = std::make_shared<ClaimedGroup>(std::move(claimed), early);
  early.Add(group);
  std::vector<std::shared_ptr<ActivityExecution>> executions;
  for (size_t i = 0; i < group->size(); ++i) executions.push_back(std::make_shared<ItemExecution>(group, i));
  return executions;
}

}  // namespace vora::workflow
