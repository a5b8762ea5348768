#pragma once

// Who in this process wants work now: polls that wait, and workers whose report makes room. A transition may give them what it schedules,
// in its own transaction, before it was in any queue.

#include <memory>
#include <set>
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
  // One that waits for such tasks and has found nothing in its queue, out of the line until Answer; nullptr without one. None of `but_of`,
  // which are workers.
  virtual std::shared_ptr<WaitingPoll> Take(const std::string& queue, const std::string& activity_type,
                                            const std::set<std::string>& but_of) = 0;
  // The last claim for polls like this one has left nothing in the queue, and what has come since, if anything has, is being claimed: so
  // nobody has to wait for the room that this one would take.
  virtual bool NothingWaits(const v1::PollActivitiesRequest& poll) = 0;
  // Without tasks it goes on waiting, where it was.
  virtual void Answer(const std::shared_ptr<WaitingPoll>& poll, std::vector<v1::ActivityTask> tasks) = 0;
};

}  // namespace vora::workflow
