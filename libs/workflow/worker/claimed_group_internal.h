#pragma once

// A claimed group as its handler sees it: an execution for each item, which all share one lease and one report.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "libs/core/clock.h"
#include "libs/workflow/worker/activity_execution_internal.h"
#include "libs/workflow/worker/activity_worker.h"

namespace vora::workflow {

// Tells the orchestrator of items that are done while others of their group go on.
class EarlyItems {
 public:
  EarlyItems() : thread_([this] { Loop(); }) {}
  ~EarlyItems();

  class Source {
   public:
    virtual ~Source() = default;
    // When it has something to tell; nothing: not yet.
    virtual std::optional<SteadyTime> DueAt() = 0;
    virtual void Tell() = 0;
  };
  void Add(std::weak_ptr<Source> source);
  void Look();  // something has ended

 private:
  void Loop();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::weak_ptr<Source>> sources_;
  bool look_ = false, ending_ = false;
  std::thread thread_;
};

// One for each item of the group, in order. The last report is sent when the last of them has ended: what failed or was released is tried
// again without the rest. `early` must outlive them.
std::vector<std::shared_ptr<ActivityExecution>> ExecutionsOfItems(std::shared_ptr<ClaimedTask> claimed, EarlyItems& early);

}  // namespace vora::workflow
