#include "libs/workflow/definition/context.h"

#include "libs/workflow/definition/run_state_internal.h"

namespace vora::workflow {
namespace {

// Waits until the run's state resolves `wait`; `command` opens it.
struct WaitAwaiter {
  Wait& wait;
  std::optional<IssuedCommand> command;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    wait.handle = handle;
    wait.state->Open(wait, std::move(command));
  }
  void await_resume() const noexcept {}
};

ActivityResult CanceledResult() { return {false, true, {}, MakeFailure("canceled", "canceled by the workflow", true)}; }

// OK when the input surely fits or was found to.
Status CheckInput(ActivityInput& input) {
  if (input.message && PayloadBound(*input.message) > kMaxPayloadBytes) {
    input.text = ToPayload(*input.message);
    input.message.reset();
  }
  return input.message ? Status() : CheckPayload("input", input.text);
}

IssuedCommand Schedule(std::string type, std::string id, ActivityInput input, v1::ActivityOptions options) {
  IssuedCommand command;
  command.type = v1::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED;
  command.activity_type = std::move(type);
  command.id = std::move(id);
  command.input = std::move(input);
  command.options = std::move(options);
  return command;
}

// Free functions with parameters by value: a member coroutine would keep `this`, and the context it belongs to is often a temporary
// (`ctx.NewScope().Activity(...)`).
Task<ActivityResult> ActivityTask(RunState* state, std::shared_ptr<Scope> scope, std::string type, std::string id, ActivityInput input,
                                  v1::ActivityOptions options) {
  if (IsCancelled(scope.get())) co_return CanceledResult();
  // A failure that the definition can handle; an error of the transition would park the run.
  if (const Status fits = CheckInput(input); !fits.ok()) {
    co_return ActivityResult{false, false, {}, MakeFailure("workflow.payload_too_large", Message(fits), true)};
  }
  Wait wait(state, scope.get(), Wait::Kind::kActivity);
  WaitAwaiter awaiter{wait, Schedule(std::move(type), std::move(id), std::move(input), std::move(options))};
  co_await awaiter;
  co_return std::move(wait.result);
}

Task<bool> TimerTask(RunState* state, std::shared_ptr<Scope> scope, std::chrono::milliseconds after, std::string id) {
  if (IsCancelled(scope.get())) co_return false;
  Wait wait(state, scope.get(), Wait::Kind::kTimer);
  IssuedCommand command;
  command.type = v1::EVENT_TYPE_TIMER_STARTED;
  command.id = std::move(id);
  command.after_ms = after.count();
  WaitAwaiter awaiter{wait, std::move(command)};
  co_await awaiter;
  co_return wait.result.ok;
}

Task<ActivityResult> SignalTask(RunState* state, std::shared_ptr<Scope> scope, std::string name) {
  // Before the scope is looked at: a signal that is in history already must not be lost to a cancel.
  if (auto input = state->TakeSignal(name)) co_return ActivityResult{true, false, std::move(*input), {}};
  if (IsCancelled(scope.get())) co_return CanceledResult();
  Wait wait(state, scope.get(), Wait::Kind::kSignal);
  wait.name = std::move(name);
  WaitAwaiter awaiter{wait, std::nullopt};
  co_await awaiter;
  co_return std::move(wait.result);
}

struct GroupAwaiter {
  GroupAwaiter(Wait& w, std::optional<IssuedCommand> c) : wait(w), command(std::move(c)) {}
  GroupAwaiter(const GroupAwaiter&) = delete;
  Wait& wait;
  std::optional<IssuedCommand> command;  // the first time
  // One that is destroyed while it waits is not to be resumed.
  ~GroupAwaiter() { wait.handle = nullptr; }
  bool await_ready() const noexcept { return !wait.ended.empty() || wait.items.empty(); }
  void await_suspend(std::coroutine_handle<> handle) {
    wait.handle = handle;
    if (command) wait.state->Open(wait, std::move(command));
  }
  void await_resume() const noexcept {}
};

}  // namespace

struct Group::State {
  State(RunState* run, std::shared_ptr<Scope> s, IssuedCommand issued)
      : scope(std::move(s)), wait(run, scope.get(), Wait::Kind::kGroup), command(std::move(issued)) {
    for (const auto& item : command->options.items()) wait.items.push_back(item.name());
  }
  void EndAll(const ActivityResult& result) {
    command.reset();
    for (auto& item : wait.items) wait.ended.push_back({std::move(item), result});
    wait.items.clear();
  }

  const std::shared_ptr<Scope> scope;
  Wait wait;
  std::optional<IssuedCommand> command;  // until it is issued
};

namespace {

// `state` keeps the group alive while somebody waits for it.
template <class State>
Task<std::vector<ItemResult>> NextOf(std::shared_ptr<State> state) {
  if (state->command) {
    if (IsCancelled(state->scope.get())) {
      state->EndAll(CanceledResult());
    } else if (const Status fits = CheckInput(state->command->input); !fits.ok()) {
      state->EndAll({false, false, {}, MakeFailure("workflow.payload_too_large", Message(fits), true)});
    }
  }
  GroupAwaiter awaiter{state->wait, std::exchange(state->command, std::nullopt)};
  co_await awaiter;
  co_return std::exchange(state->wait.ended, {});
}

}  // namespace

bool Group::done() const { return state_->wait.items.empty() && state_->wait.ended.empty(); }
Task<std::vector<ItemResult>> Group::Next() const { return NextOf(state_); }

Group WorkflowContext::Group(std::string type, std::string activity_id, std::string input_json, v1::ActivityOptions options) const {
  return workflow::Group(std::make_shared<workflow::Group::State>(
      state_, scope_, Schedule(std::move(type), std::move(activity_id), {std::move(input_json), nullptr}, std::move(options))));
}

Group WorkflowContext::GroupWithMessage(std::string type, std::string activity_id, std::shared_ptr<const google::protobuf::Message> input,
                                        v1::ActivityOptions options) const {
  return workflow::Group(std::make_shared<workflow::Group::State>(
      state_, scope_, Schedule(std::move(type), std::move(activity_id), {{}, std::move(input)}, std::move(options))));
}

const RunInfo& WorkflowContext::info() const { return state_->info(); }
int64_t WorkflowContext::now_us() const { return state_->now_us(); }

Task<ActivityResult> WorkflowContext::Activity(std::string type, std::string activity_id, std::string input_json,
                                               v1::ActivityOptions options) const {
  return ActivityTask(state_, scope_, std::move(type), std::move(activity_id), {std::move(input_json), nullptr}, std::move(options));
}

Task<ActivityResult> WorkflowContext::WithMessage(std::string type, std::string activity_id,
                                                  std::shared_ptr<const google::protobuf::Message> input,
                                                  v1::ActivityOptions options) const {
  return ActivityTask(state_, scope_, std::move(type), std::move(activity_id), {{}, std::move(input)}, std::move(options));
}

Task<bool> WorkflowContext::Timer(std::chrono::milliseconds after, std::string timer_id) const {
  return TimerTask(state_, scope_, after, std::move(timer_id));
}

Task<ActivityResult> WorkflowContext::Signal(std::string name) const { return SignalTask(state_, scope_, std::move(name)); }

bool WorkflowContext::cancelled() const { return IsCancelled(scope_.get()); }
void WorkflowContext::Cancel() const { state_->CancelScope(*scope_); }
WorkflowContext WorkflowContext::NewScope() const { return {state_, std::make_shared<Scope>(scope_)}; }
WorkflowContext WorkflowContext::Detached() const { return {state_, std::make_shared<Scope>(nullptr)}; }
void WorkflowContext::Register(Compensation compensation) const { state_->Register(std::move(compensation)); }

}  // namespace vora::workflow
