#pragma once

// What one transaction gives to polls that wait.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/workflow/core/rows.h"
#include "libs/workflow/engine/poll_source.h"

namespace vora::workflow {

inline constexpr size_t kMaxAnswerBytes = 3 << 20;  // of inputs and checkpoints: below gRPC's 4 MiB

// As a worker gets it.
v1::ActivityTask ToActivityTask(TaskRow row);

class HandOut {
 public:
  // `source` may be nullptr: nobody waits.
  explicit HandOut(PollSource* source) : source_(source) {}
  ~HandOut();  // gives back the polls that were not answered
  HandOut(const HandOut&) = delete;
  HandOut& operator=(const HandOut&) = delete;

  // Starts the new task for a poll, if one waits for it.
  void Offer(TaskRow& task, int64_t now_us);
  // After the commit.
  void Deliver();
  const std::vector<TaskRow>& given() const { return given_; }

 private:
  struct Share {
    std::shared_ptr<WaitingPoll> poll;
    std::string queue, activity_type;
    std::vector<TaskRow> tasks;
    size_t bytes = 0;
  };
  Share* Find(const TaskRow& task);

  PollSource* const source_;
  std::vector<Share> shares_;
  std::vector<TaskRow> given_;
};

}  // namespace vora::workflow
