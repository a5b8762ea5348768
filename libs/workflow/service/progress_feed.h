#pragma once

// Looks at what is under way for those who watch: one statement about twice a second while something runs, seldom while nothing does, none
// while nobody watches. Each is told what has changed for him. One owned thread.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/workflow/engine/engine.h"

namespace vora::workflow {

struct ProgressFeedOptions {
  std::chrono::milliseconds interval{500};  // the least between two looks, and the usual one while something runs
  std::chrono::milliseconds idle_interval{2000};
};

class ProgressFeed {
 public:
  using Tell = std::function<void(const std::vector<v1::RunProgress>& runs)>;
  struct Watch;

  ProgressFeed(Engine& engine, ProgressFeedOptions options);
  ~ProgressFeed();  // Stop
  void Start();
  void Stop();

  // `tell` is called from the feed's thread; it must not block. First with all that is under way, even if that is nothing, then with what
  // has changed. `end`: the process goes down. A call that is under way may still end after Forget.
  std::shared_ptr<Watch> Add(const v1::WatchProgressRequest& request, Tell tell, std::function<void()> end);
  void Forget(const std::shared_ptr<Watch>& watch);
  void WorkBegan();                           // in this process
  void RunClosed(const std::string& run_id);  // on whatever replica; empty: nothing is known

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::workflow
