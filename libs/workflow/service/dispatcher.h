#pragma once

// Long polls without a thread each: polls wait here until their queue has something. Per queue one claim is under way at a time, so that a
// new task wakes one poll and not all.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/workflow/engine/engine.h"

namespace vora::workflow {

class Dispatcher : public PollSource {
 public:
  using Done = std::function<void(Status, std::vector<v1::ActivityTask>)>;
  struct Poll;  // one waiting poll

  explicit Dispatcher(Engine& engine, int threads = 4);
  ~Dispatcher() override;  // Stop

  // `done` is called exactly once, from any thread: with tasks, with none when `wait` is over or the dispatcher stops, or with an error
  // (then nullptr may be returned, which Cancel ignores).
  std::shared_ptr<Poll> Add(v1::PollActivitiesRequest request, std::chrono::milliseconds wait, Done done);
  // The caller has gone away: `done` gets CANCELLED, and tasks claimed meanwhile are handed back.
  void Cancel(const std::shared_ptr<Poll>& poll);
  // A task that could not be given to its worker: it is ready again soon.
  void GiveBack(const std::string& task_token);
  // Something may be ready in `queue` (empty: any).
  void Wake(const std::string& queue);
  void Stop();
  std::shared_ptr<WaitingPoll> Take(const std::string& queue, const std::string& activity_type,
                                    const std::set<std::string>& but_of) override;
  bool NothingWaits(const v1::PollActivitiesRequest& poll) override;
  void Answer(const std::shared_ptr<WaitingPoll>& poll, std::vector<v1::ActivityTask> tasks) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::workflow
