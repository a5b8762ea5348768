#include "libs/workflow/testing/script_workflow.h"

#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>

namespace vora::workflow::testing {
namespace {

using nlohmann::json;

struct StepEnd {
  bool ok = true;
  v1::Failure failure;
  json results = json::array();
};

v1::ActivityOptions ParseOptions(const json& step) {
  v1::ActivityOptions options;
  options.set_queue("test");
  options.mutable_start_to_close_timeout()->set_seconds(10);
  options.mutable_retry()->mutable_initial_interval()->set_nanos(10'000'000);
  if (step.contains("options")) {
    v1::ActivityOptions own;
    if (!google::protobuf::util::JsonStringToMessage(step["options"].dump(), &own).ok()) std::abort();
    if (own.has_retry()) options.clear_retry();
    if (own.has_start_to_close_timeout() || own.has_schedule_to_close_timeout()) options.clear_start_to_close_timeout();
    options.MergeFrom(own);
  }
  return options;
}

void Merge(StepEnd& into, const StepEnd& part) {
  for (const auto& result : part.results) into.results.push_back(result);
  if (part.ok || !into.ok) return;
  into.ok = false;
  into.failure = part.failure;
}

StepEnd FromResult(const ActivityResult& result) {
  StepEnd end;
  end.ok = result.ok;
  end.failure = result.failure;
  if (result.ok) end.results.push_back(result.result);
  return end;
}

Task<StepEnd> RunStep(WorkflowContext ctx, json step) {
  if (step.contains("activity")) {
    const auto result = co_await ctx.Activity(step["activity"], step.value("id", ""), step.value("input", ""), ParseOptions(step));
    co_return FromResult(result);
  }
  if (step.contains("group")) {
    StepEnd end;
    const Group group = ctx.Group(step["group"].get<std::string>(), step.value("id", ""), step.value("input", ""), ParseOptions(step));
    while (!group.done()) {
      const auto ended = co_await group.Next();
      for (const auto& [name, result] : ended)
        end.results.push_back(result.ok ? name + "=" + result.result : name + "!" + result.failure.code());
    }
    co_return end;
  }
  if (step.contains("signal")) {
    const auto result = co_await ctx.Signal(step["signal"]);
    co_return FromResult(result);
  }
  if (step.contains("timer_ms")) {
    StepEnd end;
    end.ok = co_await ctx.Timer(std::chrono::milliseconds(step["timer_ms"].get<int>()), "timer");
    co_return end;
  }
  if (step.contains("cleanup")) {
    StepEnd end = co_await RunStep(ctx.Detached(), step["cleanup"]);
    co_return end;
  }
  StepEnd end;
  std::vector<Task<StepEnd>> parts;
  for (const auto& part : step.contains("any") ? step["any"] : step["all"]) parts.push_back(RunStep(ctx, part));
  if (step.contains("any")) {
    const size_t first = co_await WhenAny(parts);
    co_return parts[first].Take();
  }
  const auto ends = co_await WhenAll(std::move(parts));
  for (const auto& part : ends) Merge(end, part);
  co_return end;
}

}  // namespace

Task<WorkflowResult> Script(WorkflowContext ctx, std::string input) {
  const json script = json::parse(input);
  StepEnd end;
  for (const auto& step : script.at("steps")) {
    if (!end.ok && !step.contains("cleanup")) continue;
    const StepEnd part = co_await RunStep(ctx, step);
    Merge(end, part);
  }
  if (ctx.cancelled()) co_return WorkflowResult::Canceled();
  if (!end.ok) co_return WorkflowResult::Failed(end.failure);
  co_return WorkflowResult::Completed(end.results.dump());
}

Registry ScriptRegistry() {
  Registry registry;
  registry.Add("Script", &Script);
  return registry;
}

}  // namespace vora::workflow::testing
