#include <algorithm>

#include "libs/workflow/core/group_rules.h"
#include "libs/workflow/core/task_token.h"
#include "libs/workflow/engine/hand_out_internal.h"

namespace vora::workflow {
namespace {

constexpr std::chrono::milliseconds kFreshRoom{1000};

void SetDuration(google::protobuf::Duration* duration, int64_t us) {
  duration->set_seconds(us / 1'000'000);
  duration->set_nanos(static_cast<int32_t>(us % 1'000'000 * 1000));
}

}  // namespace

v1::ActivityTask ToActivityTask(TaskRow row) {
  v1::ActivityTask task;
  task.set_task_token(TaskToken::Of(row).Encode());
  task.set_workflow_id(std::move(row.workflow_id));
  task.set_run_id(std::move(row.run_id));
  task.set_tenant(std::move(row.tenant));
  task.set_activity_type(std::move(row.activity_type));
  task.set_activity_id(std::move(row.activity_id));
  task.set_input(std::move(row.input));
  task.set_attempt(row.attempt);
  task.set_checkpoint(std::move(row.checkpoint));
  if (row.item_wait_us > 0) SetDuration(task.mutable_item_wait(), row.item_wait_us);
  for (const auto& row_item : row.items) {
    auto* item = task.add_items();
    item->set_name(row_item.name);
    item->set_attempt(AttemptOf(row, row_item));
  }
  task.set_traceparent(std::move(row.traceparent));
  task.set_scheduled_event_id(row.scheduled_event_id);
  SetDuration(task.mutable_heartbeat_timeout(), row.heartbeat_us);
  SetDuration(task.mutable_start_to_close_timeout(), row.start_to_close_us);
  return task;
}

HandOut::~HandOut() {
  for (auto& share : shares_) {
    if (share.poll) source_->Answer(share.poll, {});
  }
}

void HandOut::Add(std::shared_ptr<Room> room) {
  // Whoever has waited for long may have given up on this answer: what it was given would be lost for a while.
  if (!source_ || std::chrono::steady_clock::now() - room->since > kFreshRoom) return;
  reporters_.insert(room->poll.worker_id());
  rooms_.push_back(std::move(room));
}

HandOut::Share* HandOut::TakePoll(const TaskRow& task, const std::set<std::string>& but_of) {
  auto poll = source_->Take(task.queue, task.activity_type, but_of);
  if (!poll) return nullptr;
  shares_.push_back({std::move(poll), nullptr, task.queue, task.activity_type, {}});
  return &shares_.back();
}

HandOut::Share* HandOut::TakeRoom(const TaskRow& task) {
  const auto found = std::find_if(rooms_.begin(), rooms_.end(), [&](const auto& room) {
    const auto& types = room->poll.activity_types();
    return room->poll.queue() == task.queue && (types.empty() || std::find(types.begin(), types.end(), task.activity_type) != types.end());
  });
  if (found == rooms_.end() || !source_->NothingWaits((*found)->poll)) return nullptr;
  shares_.push_back({nullptr, std::move(*found), task.queue, task.activity_type, {}});
  rooms_.erase(found);
  return &shares_.back();
}

// A worker that waits before one that was busy until now; then who needs no other answer than the one it gets; then another poll while
// there is one, so that workers share; then one that has room left.
HandOut::Share* HandOut::Find(const TaskRow& task) {
  if (Share* share = TakePoll(task, reporters_)) return share;
  if (Share* share = TakeRoom(task)) return share;
  if (Share* share = reporters_.empty() ? nullptr : TakePoll(task, {})) return share;
  const auto found = std::find_if(shares_.begin(), shares_.end(), [&](const Share& share) {
    return share.poll && share.queue == task.queue && share.activity_type == task.activity_type &&
           share.tasks.size() < static_cast<size_t>(share.poll->max_tasks) && share.bytes + task.input.size() <= kMaxAnswerBytes;
  });
  return found == shares_.end() ? nullptr : &*found;
}

void HandOut::Offer(TaskRow& task, int64_t now_us) {
  if (!source_ || task.started || task.delayed || task.held) return;
  Share* share = Find(task);
  if (!share) return;
  task.started = true;
  task.worker_id = share->poll ? share->poll->worker_id : share->room->poll.worker_id();
  task.lease = NewLease();
  task.started_time_us = now_us;
  if (task.start_to_close_us > 0) task.attempt_deadline_us = now_us + task.start_to_close_us;
  share->bytes += task.input.size();
  share->tasks.push_back(task);
}

void HandOut::Deliver() {
  for (auto& share : shares_) {
    std::vector<v1::ActivityTask> tasks;
    for (auto& task : share.tasks) {
      given_.push_back(task);
      tasks.push_back(ToActivityTask(std::move(task)));
    }
    if (share.poll) {
      source_->Answer(share.poll, std::move(tasks));
    } else {
      share.room->task = std::move(tasks.front());
    }
  }
  shares_.clear();
}

}  // namespace vora::workflow
