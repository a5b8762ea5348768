#include "services/orchestrator/workflows/policies.h"
#include "services/orchestrator/workflows/workflows.h"

namespace vora::workflows {
namespace {

using namespace workflow;

constexpr std::chrono::seconds kLateWriters{15};  // longer than a worker's lease

Task<v1::Failure> DeleteAll(WorkflowContext ctx, v1::DeleteVideoInput input, std::string pass) {
  v1::Failure failure;
  for (int i = 0; i < input.prefixes_size() + input.folders_size(); ++i) {
    const int folder = i - input.prefixes_size();
    v1::DeletePrefixInput prefix;
    prefix.set_prefix(folder < 0 ? input.prefixes(i) : input.folders(folder));
    // A type of its own: a worker that does not know it leaves it to others, and would delete what lies below as well.
    const std::string type = folder < 0 ? "storage.DeletePrefix" : "storage.DeleteFolder";
    auto outcome = co_await ctx.Activity(type, pass + "/" + std::to_string(i), std::move(prefix), DeleteOptions());
    if (!outcome.ok) failure = outcome.failure;  // the others are deleted all the same
  }
  co_return failure;
}

}  // namespace

Task<WorkflowResult> DeleteVideo(WorkflowContext ctx, v1::DeleteVideoInput input) {
  // What fails here the second pass deletes; only its outcome counts.
  (void)co_await DeleteAll(ctx, input, "first");
  (void)co_await ctx.Timer(kLateWriters, "late-writers");
  const v1::Failure failure = co_await DeleteAll(ctx, input, "second");
  if (ctx.cancelled()) co_return WorkflowResult::Canceled();
  if (!failure.code().empty()) co_return WorkflowResult::Failed(failure);
  co_return WorkflowResult::Completed("{}");
}

Registry AllWorkflows() {
  Registry registry;
  registry.AddTyped<v1::ProcessVideoInput>("ProcessVideo", &ProcessVideo);
  // The same under the name of what it begins with, so that operators see what a run is at.
  registry.AddTyped<v1::ProcessVideoInput>("ImportVideo", &ProcessVideo);
  registry.AddTyped<v1::DeleteVideoInput>("DeleteVideo", &DeleteVideo);
  return registry;
}

}  // namespace vora::workflows
