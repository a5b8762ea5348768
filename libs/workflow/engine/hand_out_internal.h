#pragma once

// What one transaction gives to polls that wait, and to workers who report to it.

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libs/workflow/core/rows.h"
#include "libs/workflow/engine/poll_source.h"

namespace vora::workflow {

inline constexpr size_t kMaxAnswerBytes = 3 << 20;  // of inputs and checkpoints: below gRPC's 4 MiB

// As a worker gets it.
v1::ActivityTask ToActivityTask(TaskRow row);

// What a worker can take with the answer of its report.
struct Room {
  v1::PollActivitiesRequest poll;
  std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
  std::optional<v1::ActivityTask> task;  // after Deliver
};

class HandOut {
 public:
  // `source` may be nullptr: nobody waits.
  explicit HandOut(PollSource* source) : source_(source) {}
  ~HandOut();  // gives back the polls that were not answered
  HandOut(const HandOut&) = delete;
  HandOut& operator=(const HandOut&) = delete;

  // Of a report that is taken. `room` is used in Deliver.
  void Add(std::shared_ptr<Room> room);
  // Starts the new task for a poll that waits for it, or for who has room.
  void Offer(TaskRow& task, int64_t now_us);
  // After the commit.
  void Deliver();
  const std::vector<TaskRow>& given() const { return given_; }

 private:
  // A poll, or room for one.
  struct Share {
    std::shared_ptr<WaitingPoll> poll;
    std::shared_ptr<Room> room;
    std::string queue, activity_type;
    std::vector<TaskRow> tasks;
    size_t bytes = 0;
  };
  Share* Find(const TaskRow& task);
  Share* TakePoll(const TaskRow& task, const std::set<std::string>& but_of);
  Share* TakeRoom(const TaskRow& task);

  PollSource* const source_;
  std::vector<std::shared_ptr<Room>> rooms_;
  std::set<std::string> reporters_;  // workers of `rooms_`, and of those that were taken
  std::vector<Share> shares_;
  std::vector<TaskRow> given_;
};

}  // namespace vora::workflow
