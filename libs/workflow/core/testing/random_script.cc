#include "libs/workflow/core/testing/random_script.h"

#include <map>
#include <stdexcept>

namespace vora::workflow::simulation {
namespace {

using NodeKind = ScriptNode::Kind;

v1::ActivityOptions RandomOptions(Dice& dice) {
  v1::ActivityOptions options;
  options.set_queue("q");
  options.set_priority(static_cast<int>(dice.Below(3)));
  if (dice.Percent(85)) options.mutable_start_to_close_timeout()->set_seconds(dice.Between(2, 8));
  if (!options.has_start_to_close_timeout() || dice.Percent(15))
    options.mutable_schedule_to_close_timeout()->set_seconds(dice.Between(5, 20));
  if (dice.Percent(15)) options.mutable_schedule_to_start_timeout()->set_seconds(dice.Between(2, 10));
  if (dice.Percent(60)) options.mutable_heartbeat_timeout()->set_seconds(dice.Between(2, 4));
  options.mutable_retry()->mutable_initial_interval()->set_nanos(100'000'000);
  options.mutable_retry()->mutable_maximum_interval()->set_seconds(2);
  if (dice.Percent(60)) options.mutable_retry()->set_maximum_attempts(static_cast<int>(dice.Between(1, 3)));
  if (dice.Percent(30)) options.mutable_retry()->set_maximum_losses(static_cast<int>(dice.Between(1, 3)));
  options.mutable_retry()->add_non_retryable_error_types("fatal");
  options.set_second_attempt(dice.Percent(50));
  return options;
}

class Maker {
 public:
  explicit Maker(Dice& dice) : dice_(dice) {}

  ScriptNode Node(int depth) {
    ++script.nodes;
    ScriptNode node;
    const int64_t lot = dice_.Below(depth > 0 ? 100 : 70);
    node.kind = lot < 45 ? NodeKind::kActivity : lot < 58 ? NodeKind::kTimer : lot < 70 ? NodeKind::kSignal : GroupKind();
    node.name = "n" + std::to_string(script.nodes);
    if (node.kind == NodeKind::kActivity) {
      node.options = RandomOptions(dice_);
      static constexpr const char* kItems[] = {"x", "y", "z"};
      for (int64_t i = 0, items = dice_.Percent(30) ? dice_.Between(1, 3) : 0; i < items; ++i)
        node.options.add_items()->set_name(kItems[i]);
      node.undone = dice_.Percent(20);
    } else if (node.kind == NodeKind::kTimer) {
      node.timer_ms = dice_.Percent(10) ? 0 : dice_.Between(50, 3000);
    } else if (node.kind == NodeKind::kSignal) {
      script.signals.push_back(node.name);
    } else {
      script.races |= node.kind == NodeKind::kAny || node.kind == NodeKind::kFirstCancel;
      const int64_t parts = node.kind == NodeKind::kCleanup ? 1 : dice_.Between(1, 4);
      for (int64_t i = 0; i < parts; ++i) node.parts.push_back(Node(depth - 1));
    }
    return node;
  }

  ScriptPlan script;

 private:
  NodeKind GroupKind() {
    static constexpr NodeKind kKinds[] = {NodeKind::kAll, NodeKind::kAny, NodeKind::kFirstCancel, NodeKind::kCleanup, NodeKind::kSequence};
    return kKinds[dice_.Below(5)];
  }

  Dice& dice_;
};

struct Outcome {
  bool ok = true;
  v1::Failure failure;
  std::string results;
};

void Merge(Outcome& into, const Outcome& part) {
  into.results += part.results;
  if (part.ok || !into.ok) return;
  into.ok = false;
  into.failure = part.failure;
}

// What the frames of one run share.
struct Progress {
  std::shared_ptr<const ScriptPlan> script;
  Wrong wrong;
  int nodes = 0;
};
using SharedProgress = std::shared_ptr<Progress>;

v1::ActivityOptions UndoOptions() {
  v1::ActivityOptions options;
  options.set_queue("q");
  options.mutable_start_to_close_timeout()->set_seconds(5);
  return options;
}

Task<v1::Failure> Undo(WorkflowContext ctx, WorkflowResult, std::string name) {
  const auto result = co_await ctx.Activity("undo", "undo-" + name, "", UndoOptions());
  co_return result.failure;
}

Task<Outcome> RunNode(WorkflowContext ctx, const ScriptNode* node, SharedProgress progress);

Task<Outcome> RunParts(WorkflowContext ctx, const ScriptNode* node, SharedProgress progress) {
  Outcome outcome;
  if (node->kind == NodeKind::kCleanup || node->kind == NodeKind::kSequence) {
    const WorkflowContext inner = node->kind == NodeKind::kCleanup ? ctx.Detached() : ctx;
    for (const auto& part : node->parts) {
      if (!outcome.ok && part.kind != NodeKind::kCleanup) continue;
      const Outcome end = co_await RunNode(inner, &part, progress);
      Merge(outcome, end);
    }
    co_return outcome;
  }
  const WorkflowContext inner = node->kind == NodeKind::kFirstCancel ? ctx.NewScope() : ctx;
  std::vector<Task<Outcome>> parts;
  for (const auto& part : node->parts) parts.push_back(RunNode(inner, &part, progress));
  if (node->kind == NodeKind::kAny) {
    const size_t first = co_await WhenAny(parts);
    co_return parts[first].Take();
  }
  if (node->kind == NodeKind::kFirstCancel) {
    (void)co_await WhenAny(parts);
    inner.Cancel();
  }
  const auto ends = co_await WhenAll(std::move(parts));
  for (const auto& end : ends) Merge(outcome, end);
  if (node->kind == NodeKind::kFirstCancel && !ctx.cancelled()) outcome.ok = true;
  co_return outcome;
}

// In the order of their names, whatever order they end in.
Task<ActivityResult> RunItems(WorkflowContext ctx, const ScriptNode* node) {
  const vora::workflow::Group group = ctx.Group("work", node->name, "input of " + node->name, node->options);
  std::map<std::string, ActivityResult> items;
  while (!group.done()) {
    auto ended = co_await group.Next();
    for (auto& [name, result] : ended) items[name] = std::move(result);
  }
  ActivityResult all;
  all.ok = true;
  for (auto& [name, result] : items) {
    all.result += result.result;
    if (!result.ok && all.ok) all.failure = result.failure;
    all.ok &= result.ok;
  }
  co_return all;
}

Task<Outcome> RunNode(WorkflowContext ctx, const ScriptNode* node, SharedProgress progress) {
  if (++progress->nodes == progress->wrong.at && progress->wrong.kind == Wrong::Kind::kCommand) {
    (void)co_await ctx.Detached().Activity("wrong", "wrong", "", {});
  }
  Outcome outcome;
  if (node->kind == NodeKind::kActivity) {
    auto work =
        node->options.items().empty() ? ctx.Activity("work", node->name, "input of " + node->name, node->options) : RunItems(ctx, node);
    const auto result = co_await work;
    if (result.ok && node->undone) ctx.Compensate(node->name, &Undo, node->name);
    outcome.ok = result.ok;
    outcome.failure = result.failure;
    if (result.ok) outcome.results = result.result + ";";
    co_return outcome;
  }
  if (node->kind == NodeKind::kTimer) {
    outcome.ok = co_await ctx.Timer(std::chrono::milliseconds(node->timer_ms), node->name);
    co_return outcome;
  }
  if (node->kind == NodeKind::kSignal) {
    const auto result = co_await ctx.Signal(node->name);
    outcome.ok = result.ok;
    co_return outcome;
  }
  Outcome parts = co_await RunParts(ctx, node, progress);
  co_return parts;
}

Task<WorkflowResult> RunScript(WorkflowContext ctx, SharedProgress progress) {
  Outcome outcome;
  int step = 0;
  for (const auto& part : progress->script->root.parts) {
    if (!outcome.ok && part.kind != NodeKind::kCleanup) continue;
    // Only here, where it ends the root: a part that has thrown is seen when it is waited for, and till then others would go on.
    if (++step == progress->wrong.at && progress->wrong.kind == Wrong::Kind::kThrows) throw std::runtime_error("wrong code");
    const Outcome end = co_await RunNode(ctx, &part, progress);
    Merge(outcome, end);
  }
  if (ctx.cancelled()) co_return WorkflowResult::Canceled();
  if (!outcome.ok) co_return WorkflowResult::Failed(outcome.failure);
  co_return WorkflowResult::Completed(outcome.results);
}

ScriptEnd ExpectedOf(const ScriptNode& node, const std::function<ActivityEnd(const std::string&)>& ends) {
  ScriptEnd end;
  if (node.kind == NodeKind::kActivity) {
    const ActivityEnd activity = ends(node.name);
    end.ok = activity.ok;
    end.failure = activity.failure;
    if (activity.ok) end.results = activity.result + ";";
    end.undone = activity.ok && node.undone ? 1 : 0;
  }
  for (const auto& part : node.parts) {
    if (node.kind != NodeKind::kAll && !end.ok && part.kind != NodeKind::kCleanup) continue;
    const ScriptEnd of_part = ExpectedOf(part, ends);
    end.results += of_part.results;
    end.undone += of_part.undone;
    if (end.ok && !of_part.ok) end.failure = of_part.failure;
    end.ok &= of_part.ok;
  }
  return end;
}

ScriptNode Group(NodeKind kind, std::vector<ScriptNode> parts) {
  ScriptNode node;
  node.kind = kind;
  node.parts = std::move(parts);
  return node;
}

ScriptNode Leaf(NodeKind kind, const std::string& name, int64_t timer_ms = 0) {
  ScriptNode node;
  node.kind = kind;
  node.name = name;
  node.timer_ms = timer_ms;
  node.options = UndoOptions();
  node.undone = kind == NodeKind::kActivity;
  return node;
}

}  // namespace

ScriptPlan RandomScript(Dice& dice) {
  Maker maker(dice);
  const int64_t steps = dice.Between(1, 4);
  for (int64_t i = 0; i < steps; ++i) {
    ScriptNode node = maker.Node(2);
    maker.script.root.parts.push_back(std::move(node));
  }
  return std::move(maker.script);
}

std::vector<ScriptPlan> FixedScripts() {
  // A timer and an activity that cancel each other; a cancel that ends many tasks, then cleanup; an empty one.
  ScriptPlan race, fan, empty;
  race.root = Group(NodeKind::kSequence, {Group(NodeKind::kAny, {Leaf(NodeKind::kActivity, "a"), Leaf(NodeKind::kTimer, "t", 500)}),
                                          Leaf(NodeKind::kSignal, "s")});
  race.signals = {"s"};
  std::vector<ScriptNode> many;
  for (int i = 0; i < 5; ++i) many.push_back(Leaf(NodeKind::kActivity, "m" + std::to_string(i)));
  many.push_back(Leaf(NodeKind::kTimer, "t", 300));
  fan.root = Group(NodeKind::kSequence,
                   {Group(NodeKind::kFirstCancel, std::move(many)), Group(NodeKind::kCleanup, {Leaf(NodeKind::kActivity, "c")})});
  race.races = fan.races = true;
  race.nodes = 4;
  fan.nodes = 9;
  return {race, fan, empty};
}

std::string TypeOf(size_t script) { return "Script" + std::to_string(script); }

Registry ScriptRegistry(const std::vector<std::shared_ptr<const ScriptPlan>>& scripts, const Wrong& wrong) {
  Registry registry;
  if (wrong.kind == Wrong::Kind::kUnknown) return registry;
  for (size_t i = 0; i < scripts.size(); ++i) {
    registry.Add(TypeOf(i), [script = scripts[i], wrong](WorkflowContext ctx, const std::string&) {
      return RunScript(std::move(ctx), std::make_shared<Progress>(Progress{script, wrong}));
    });
  }
  return registry;
}

ScriptEnd ExpectedEnd(const ScriptPlan& script, const std::function<ActivityEnd(const std::string& name)>& ends) {
  return ExpectedOf(script.root, ends);
}

}  // namespace vora::workflow::simulation
