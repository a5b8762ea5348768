#include "libs/core/text.h"
#include "libs/workflow/definition/run_state_internal.h"

namespace vora::workflow {
namespace {

// They go into one event: enough to see what is wrong.
constexpr size_t kMaxListed = 20;
constexpr size_t kMaxMessageBytes = 1000;

}  // namespace

Task<WorkflowResult> RunState::RunWhole(RunState* state, WorkflowContext ctx, std::string input) {
  WorkflowResult result = co_await state->definition_(ctx, std::move(input));
  if (result.state == WorkflowResult::State::kCompleted) {
    state->compensations_.clear();
    co_return result;
  }
  // What is left open was abandoned when the definition's frame went, so nothing it began is at work beside these.
  while (!state->compensations_.empty()) {
    // Kept until its task has ended, which may refer to its arguments.
    const Compensation undo = std::move(state->compensations_.back());
    state->compensations_.pop_back();
    const v1::Failure failure = co_await undo.step(ctx.Detached(), result);
    if (failure.code().empty() || state->failed_compensations_.size() >= kMaxListed) continue;
    const std::string message = RepairUtf8(failure.message(), kMaxMessageBytes);
    state->failed_compensations_.push_back({{"name", undo.name}, {"code", failure.code()}, {"message", message}});
  }
  co_return result;
}

}  // namespace vora::workflow
