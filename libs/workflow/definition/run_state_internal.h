#pragma once

// The live side of one run: its coroutines, what they wait for, and the commands they issued. Knows nothing of storage.

#include <coroutine>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/workflow/definition/context.h"
#include "libs/workflow/definition/history.h"

namespace vora::workflow {

struct Scope {
  Scope* parent = nullptr;
  bool cancelled = false;
};

// What a coroutine waits for. Lives in its frame; destroying it while it is open abandons the activity or timer.
struct Wait {
  enum class Kind { kActivity, kTimer, kSignal };
  Wait(RunState* s, Scope* sc, Kind k) : state(s), scope(sc), kind(k) {}
  Wait(const Wait&) = delete;
  ~Wait();

  RunState* state;
  Scope* scope;
  Kind kind;
  uint64_t seq = 0;  // order of registration; 0: not registered
  std::string name;  // signal
  ActivityResult result;
  std::coroutine_handle<> handle;
};

struct IssuedCommand {
  Command command;
  uint64_t seq = 0;         // of the wait it opened
  uint64_t target_seq = 0;  // cancel commands: the wait they are about
};

class RunState {
 public:
  RunState(RunInfo info, const Registry::Definition& definition) : info_(std::move(info)), definition_(definition) {}
  ~RunState();

  // Hands one input event to the coroutines and runs them until all wait. Not OK: the event fits nothing that was issued.
  Status Deliver(const Event& event);
  // The command that was issued first and has no event yet; nullptr when there is none.
  const IssuedCommand* NextCommand() const { return commands_.empty() ? nullptr : &commands_.front(); }
  // Gives it its event id and takes it out.
  Command Record(int64_t event_id);
  bool closed() const { return closed_; }

  // For the context.
  const RunInfo& info() const { return info_; }
  int64_t now_us() const { return now_us_; }
  Scope* NewScope(Scope* parent);
  bool IsCancelled(const Scope* scope) const;
  void CancelScope(Scope* scope);
  void Open(Wait& wait, std::optional<Command> command);
  void Abandon(Wait& wait);
  std::optional<std::string> TakeSignal(const std::string& name);

 private:
  void Resolve(Wait& wait);
  void RequestCancel(const Wait& wait);
  Status ResolveEvent(const char* id_key, const Event& event, const std::function<void(Wait&)>& fill);
  Status Drain();
  void Close(WorkflowResult result);

  const RunInfo info_;
  const Registry::Definition& definition_;
  int64_t now_us_ = 0;
  uint64_t next_seq_ = 1;
  bool closed_ = false;
  bool tearing_down_ = false;
  std::deque<Scope> scopes_;        // stable addresses; the first is the run's own
  std::map<uint64_t, Wait*> open_;  // by seq
  std::deque<Wait*> ready_;
  std::deque<IssuedCommand> commands_;
  std::map<int64_t, uint64_t> seq_of_event_;  // ACTIVITY_TASK_SCHEDULED and TIMER_STARTED not ended yet
  std::map<uint64_t, int64_t> event_of_seq_;
  std::map<std::string, std::deque<std::string>> signals_;
  std::optional<Task<WorkflowResult>> root_;  // last: its frames refer to all of the above
};

}  // namespace vora::workflow
