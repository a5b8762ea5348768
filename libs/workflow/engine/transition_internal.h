#pragma once

// One transition of one run inside the caller's transaction: append the input, advance the coroutine, append its commands as events, and
// make tasks and timers of them. The run's row must be locked.

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "libs/workflow/definition/replay_cache.h"
#include "libs/workflow/definition/replayer.h"
#include "libs/workflow/store/engine_repo_internal.h"

namespace vora::workflow {

// What to do after the commit.
struct Effects {
  std::set<std::string> ready_queues;
  bool closed = false;
  std::unique_ptr<Replayer> replayer;
  std::string parked;  // why code and history do not agree: roll back and mark the run
};

class Transition {
 public:
  Transition(pqxx::transaction_base& tx, repo::RunRow& run, const Registry& registry, ReplayCache& cache, Effects& effects)
      : tx_(tx), run_(run), registry_(registry), cache_(cache), effects_(effects) {}

  // Appends `input` (its id and time are set here) and all that follows from it, and writes it down. Not OK with `effects.parked` set: the
  // caller must roll back.
  Status Run(Event input);
  // Replays the history without an input: OK when code and history agree.
  Status Check();

 private:
  Status Load();
  Status Step(Event input);
  Status Handle(RecordedCommand recorded);
  void HandleCancel(int64_t scheduled_event_id);
  void Close(const Event& event);
  Status Parked(Status status);
  void Write();

  pqxx::transaction_base& tx_;
  repo::RunRow& run_;
  const Registry& registry_;
  ReplayCache& cache_;
  Effects& effects_;
  std::unique_ptr<Replayer> replayer_;
  std::deque<Event> inbox_;
  std::vector<Event> events_;
  std::vector<repo::RecordedTask> tasks_;
  struct NewTimer {
    int64_t event_id;
    std::string timer_id;
    int64_t fire_at_us;
  };
  std::vector<NewTimer> timers_;
};

}  // namespace vora::workflow
