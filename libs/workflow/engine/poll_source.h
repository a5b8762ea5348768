#pragma once

// Polls that wait in this process. A transition may give them what it schedules, in its own transaction, before it was in any queue.

#include <memory>
#include <string>
#include <vector>

#include "vora/workflow/v1/workflow.pb.h"

namespace vora::workflow {

struct WaitingPoll {
  std::string worker_id;
  int max_tasks = 1;
};

class PollSource {
 public:
  virtual ~PollSource() = default;
  // One that waits for such tasks and has found nothing in its queue, out of the line until Answer; nullptr without one.
  virtual std::shared_ptr<WaitingPoll> Take(const std::string& queue, const std::string& activity_type) = 0;
  // Without tasks it goes on waiting, where it was.
  virtual void Answer(const std::shared_ptr<WaitingPoll>& poll, std::vector<v1::ActivityTask> tasks) = 0;
};

}  // namespace vora::workflow
