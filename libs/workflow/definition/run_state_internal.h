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

// Owned by the contexts and scopes that refer to it.
struct Scope {
  explicit Scope(std::shared_ptr<Scope> p) : parent(std::move(p)) {}
  ~Scope();
  std::shared_ptr<Scope> parent;
  bool cancelled = false;
};
// With those it was made in.
bool IsCancelled(const Scope* scope);

// What a coroutine waits for. Lives in its frame, or in that of a Group; destroying it while it is open abandons the activity or timer.
struct Wait {
  enum class Kind { kActivity, kGroup, kTimer, kSignal };
  Wait(RunState* s, const Scope* sc, Kind k) : state(s), scope(sc), kind(k) {}
  Wait(const Wait&) = delete;
  ~Wait();

  RunState* state;
  const Scope* scope;  // the waiting coroutine's context owns it
  Kind kind;
  uint64_t seq = 0;  // order of registration; 0: not registered
  std::string name;  // signal
  ActivityResult result;
  std::vector<std::string> items;  // of a group: those that have not ended
  std::vector<ItemResult> ended;   // and those that have, not given yet
  std::coroutine_handle<> handle;  // of a group: null while nobody waits
};

// JSON, or the message that it is to be made of.
struct ActivityInput {
  std::string text;
  std::shared_ptr<const google::protobuf::Message> message;
};

// A command as the code issued it. What history holds is made of it only when it is new: a replay compares it and drops it.
struct IssuedCommand {
  v1::EventType type{};
  std::string activity_type;
  std::string id;  // of an activity or a timer
  ActivityInput input;
  v1::ActivityOptions options;
  int64_t after_ms = 0;
  nlohmann::json closing;    // the attributes of a command that ends the run
  uint64_t seq = 0;          // of the wait it opened
  uint64_t target_seq = 0;   // cancel commands: the wait they are about
  int64_t target_event = 0;  // and its event, known once it is recorded

  // Inputs and options may change with the code; what was asked for may not.
  bool Matches(const Event& event) const;
  Command ToCommand() &&;
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
  IssuedCommand Record(int64_t event_id);
  bool closed() const { return closed_; }
  // Entries it keeps for what is open.
  size_t Remembered() const { return open_.size() + ready_.size() + seq_of_event_.size() + event_of_seq_.size() + signals_.size(); }

  // For the context.
  const RunInfo& info() const { return info_; }
  int64_t now_us() const { return now_us_; }
  void CancelScope(Scope& scope);
  void Open(Wait& wait, std::optional<IssuedCommand> command);
  void Abandon(Wait& wait);
  std::optional<std::string> TakeSignal(const std::string& name);
  void Register(Compensation compensation) { compensations_.push_back(std::move(compensation)); }

 private:
  static Task<WorkflowResult> RunWhole(RunState* state, WorkflowContext ctx, std::string input);
  void Resolve(Wait& wait);
  void Wake(Wait& wait);
  void RequestCancel(const Wait& wait);
  Status EndItems(const Event& event);
  Status ResolveEvent(const char* id_key, const Event& event, const std::function<void(Wait&)>& fill);
  Status Drain();
  void Close(WorkflowResult result);

  const RunInfo info_;
  const Registry::Definition& definition_;
  int64_t now_us_ = 0;
  uint64_t next_seq_ = 1;
  bool closed_ = false;
  bool tearing_down_ = false;
  const std::shared_ptr<Scope> scope_ = std::make_shared<Scope>(nullptr);  // the run's own
  std::map<uint64_t, Wait*> open_;                                         // by seq
  std::deque<Wait*> ready_;
  std::deque<IssuedCommand> commands_;
  std::map<int64_t, uint64_t> seq_of_event_;                // ACTIVITY_TASK_SCHEDULED and TIMER_STARTED not ended yet
  std::map<uint64_t, int64_t> event_of_seq_;                // the same, the other way round
  std::map<std::string, std::deque<std::string>> signals_;  // not taken yet
  std::vector<Compensation> compensations_;
  nlohmann::json failed_compensations_ = nlohmann::json::array();
  std::optional<Task<WorkflowResult>> root_;  // last: its frames refer to all of the above
};

}  // namespace vora::workflow
