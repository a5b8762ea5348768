#pragma once

// What a workflow definition sees. A definition is a coroutine `Task<WorkflowResult> F(WorkflowContext, Input)` and must be deterministic:
// no clock, no randomness, no I/O and no iteration over unordered containers but through the context. Captureless: parameters by value.

#include <chrono>
#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "libs/workflow/definition/payload.h"
#include "libs/workflow/definition/task.h"
#include "vora/workflow/v1/workflow.pb.h"

namespace vora::workflow {

class RunState;
struct Scope;
class WorkflowContext;

struct RunInfo {
  std::string workflow_id;
  std::string run_id;
  std::string tenant;
  std::string type;
};

// How an activity ended. `canceled`: the workflow did not want it any more (failure.code is `canceled`).
struct ActivityResult {
  bool ok = false;
  bool canceled = false;
  std::string result;
  v1::Failure failure;
};

template <class T>
struct Outcome {
  bool ok = false;
  bool canceled = false;
  T value;
  v1::Failure failure;
};

// How an item of a group ended.
struct ItemResult {
  std::string name;
  ActivityResult result;
};

// An activity of several items that one worker does together, e.g. the renditions of a chunk. Each has an outcome and attempts of its own;
// what failed is tried again without the rest. Destroying it while items are open abandons them.
class Group {
 public:
  // The items that have ended since the last call; waits for the next one otherwise. Empty when all were given. The first call schedules
  // the group. In a cancelled scope what is left ends as canceled.
  Task<std::vector<ItemResult>> Next() const;
  bool done() const;  // all were given

 private:
  friend class WorkflowContext;
  struct State;
  explicit Group(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

struct WorkflowResult {
  enum class State { kCompleted, kFailed, kCanceled };
  State state = State::kCompleted;
  std::string result;  // JSON
  v1::Failure failure;

  static WorkflowResult Completed(std::string result_json) { return {State::kCompleted, std::move(result_json), {}}; }
  static WorkflowResult Failed(v1::Failure failure) { return {State::kFailed, {}, std::move(failure)}; }
  static WorkflowResult Canceled() { return {State::kCanceled, {}, {}}; }
};

// What undoes something that the workflow did. `why` is how the workflow ended. Gives a failure, whose empty code is success.
struct Compensation {
  std::string name;
  std::function<Task<v1::Failure>(WorkflowContext ctx, WorkflowResult why)> step;
};

template <class T>
concept ProtoMessage = std::derived_from<T, google::protobuf::Message>;

// A handle; copy it freely within its run. Each belongs to a cancellation scope.
class WorkflowContext {
 public:
  WorkflowContext(RunState* state, std::shared_ptr<Scope> scope) : state_(state), scope_(std::move(scope)) {}

  const RunInfo& info() const;
  // When the event that is being handled was recorded. The only clock.
  int64_t now_us() const;

  // Schedules an activity when awaited. `activity_id` is for people and is compared on replay: keep it unique and stable.
  // In a cancelled scope, or when the scope is cancelled meanwhile, it ends at once as canceled; the worker is told at its next heartbeat.
  Task<ActivityResult> Activity(std::string type, std::string activity_id, std::string input_json, v1::ActivityOptions options) const;

  // The same with a protobuf message, which becomes JSON only when the activity is new to the history.
  template <ProtoMessage Input>
  Task<ActivityResult> Activity(std::string type, std::string activity_id, Input input, v1::ActivityOptions options) const {
    return WithMessage(std::move(type), std::move(activity_id), std::make_shared<const Input>(std::move(input)), std::move(options));
  }

  // The same with a message as its result.
  template <class Result, ProtoMessage Input>
  Task<Outcome<Result>> Run(std::string type, std::string activity_id, Input input, v1::ActivityOptions options) const;

  // `options.items` names the items; the input is that of all.
  workflow::Group Group(std::string type, std::string activity_id, std::string input_json, v1::ActivityOptions options) const;
  template <ProtoMessage Input>
  workflow::Group Group(std::string type, std::string activity_id, Input input, v1::ActivityOptions options) const {
    return GroupWithMessage(std::move(type), std::move(activity_id), std::make_shared<const Input>(std::move(input)), std::move(options));
  }

  // False when it was cancelled before it fired.
  Task<bool> Timer(std::chrono::milliseconds after, std::string timer_id) const;

  // The input of the next signal of this name, in order of arrival; ok is false when the scope was cancelled.
  Task<ActivityResult> Signal(std::string name) const;

  bool cancelled() const;
  // Cancels this scope and those made in it. Activities and timers waiting in them end as canceled.
  void Cancel() const;
  // A scope that can be cancelled on its own, and is with this one.
  WorkflowContext NewScope() const;
  // A scope for cleanup: it is not cancelled with this one.
  WorkflowContext Detached() const;

  // Calls `step(ctx, why, args...)` when the workflow fails or is cancelled: after the definition has returned, the last registered first,
  // each in a detached scope of its own, and whether or not the others fail. What fails is listed in the event that closes the run. Not
  // when it completes, is terminated or times out. `step` is a function of values; the definition's variables are gone by then.
  template <class Step, class... Args>
  void Compensate(std::string name, Step step, Args... args) const {
    static_assert(std::is_empty_v<Step> || std::is_pointer_v<Step>, "no captures: pass what the step needs as arguments");
    Register({std::move(name), [step, ... bound = std::move(args)](WorkflowContext ctx, WorkflowResult why) {
                return step(std::move(ctx), std::move(why), bound...);
              }});
  }

 private:
  workflow::Group GroupWithMessage(std::string type, std::string activity_id, std::shared_ptr<const google::protobuf::Message> input,
                                   v1::ActivityOptions options) const;
  Task<ActivityResult> WithMessage(std::string type, std::string activity_id, std::shared_ptr<const google::protobuf::Message> input,
                                   v1::ActivityOptions options) const;
  void Register(Compensation compensation) const;

  RunState* state_;
  std::shared_ptr<Scope> scope_;
};

// A result that does not parse is the failure `workflow.bad_result`.
template <ProtoMessage Result>
Outcome<Result> ToOutcome(ActivityResult raw) {
  Outcome<Result> outcome;
  outcome.ok = raw.ok;
  outcome.canceled = raw.canceled;
  outcome.failure = std::move(raw.failure);
  if (raw.ok) {
    const Status parsed = FromPayload(raw.result, outcome.value);
    if (!parsed.ok()) {
      outcome.ok = false;
      outcome.failure.set_code("workflow.bad_result");
      outcome.failure.set_message(Message(parsed));
      outcome.failure.set_non_retryable(true);
    }
  }
  return outcome;
}

namespace internal {

template <class Result>
Task<Outcome<Result>> RunTyped(Task<ActivityResult> activity) {
  co_return ToOutcome<Result>(co_await activity);
}

}  // namespace internal

template <class Result, ProtoMessage Input>
Task<Outcome<Result>> WorkflowContext::Run(std::string type, std::string activity_id, Input input, v1::ActivityOptions options) const {
  return internal::RunTyped<Result>(Activity(std::move(type), std::move(activity_id), std::move(input), std::move(options)));
}

// The definitions a process knows, by type. Fill before use; read-only afterwards.
class Registry {
 public:
  using Definition = std::function<Task<WorkflowResult>(WorkflowContext, std::string input)>;
  void Add(std::string type, Definition definition) { definitions_[std::move(type)] = std::move(definition); }
  // A definition that takes a protobuf message; input that does not parse fails the workflow with `workflow.bad_input`.
  template <class Input>
  void AddTyped(std::string type, Task<WorkflowResult> (*definition)(WorkflowContext, Input)) {
    Add(std::move(type), [definition](WorkflowContext ctx, std::string input) { return Typed<Input>(definition, ctx, std::move(input)); });
  }
  // nullptr when the type is unknown.
  const Definition* Find(const std::string& type) const {
    const auto it = definitions_.find(type);
    return it == definitions_.end() ? nullptr : &it->second;
  }

 private:
  template <class Input>
  static Task<WorkflowResult> Typed(Task<WorkflowResult> (*definition)(WorkflowContext, Input), WorkflowContext ctx, std::string input) {
    Input message;
    const Status parsed = FromPayload(input, message);
    if (!parsed.ok()) {
      v1::Failure failure;
      failure.set_code("workflow.bad_input");
      failure.set_message(Message(parsed));
      co_return WorkflowResult::Failed(std::move(failure));
    }
    co_return co_await definition(ctx, std::move(message));
  }
  std::map<std::string, Definition> definitions_;
};

}  // namespace vora::workflow
