#pragma once

// Small workflows made by lot, the same for the same dice; and code of the same type that does something else, which parks their runs.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/workflow/core/testing/dice.h"
#include "libs/workflow/definition/context.h"

namespace vora::workflow::simulation {

struct ScriptNode {
  enum class Kind {
    kActivity,
    kTimer,
    kSignal,
    kSequence,
    kAll,
    kAny,          // the first to end; the others are abandoned
    kFirstCancel,  // the first to end; the others are cancelled and waited for
    kCleanup,      // not cancelled with the run, and done after a failure too
  };
  Kind kind = Kind::kSequence;
  std::string name;  // unique within the script
  int64_t timer_ms = 0;
  bool undone = false;  // an activity that registers a compensation
  v1::ActivityOptions options;
  std::vector<ScriptNode> parts;
};

struct ScriptPlan {
  ScriptNode root;
  std::vector<std::string> signals;  // that it waits for
  bool races = false;                // its result depends on what comes first
  int nodes = 0;
};

// How the code of a program differs. Never so that it could write what the right code would not have: it cannot go on from there.
struct Wrong {
  enum class Kind {
    kNot,
    kThrows,   // at step `at`
    kCommand,  // gives a command that is refused, before node `at`
    kUnknown,  // does not know the type
  };
  Kind kind = Kind::kNot;
  int at = 0;
};

ScriptPlan RandomScript(Dice& dice);
// Those that are worth a test of their own, whatever the dice say.
std::vector<ScriptPlan> FixedScripts();
Registry ScriptRegistry(const std::vector<std::shared_ptr<const ScriptPlan>>& scripts, const Wrong& wrong);
std::string TypeOf(size_t script);

// How a script without races ends when its activities end so; computed without replay.
struct ScriptEnd {
  bool ok = true;
  std::string failure;  // its code
  std::string results;
  int undone = 0;  // activities that a failure undoes
};
struct ActivityEnd {
  bool ok = false;
  std::string result, failure;
};
ScriptEnd ExpectedEnd(const ScriptPlan& script, const std::function<ActivityEnd(const std::string& name)>& ends);

}  // namespace vora::workflow::simulation
