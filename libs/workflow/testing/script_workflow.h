#pragma once

// A workflow that does what its input says, so that tests need no definition each. Input:
//   {"steps": [step, ...]}            one after the other
//   step: {"activity": "type", "id": "a", "input": "..", "options": {ActivityOptions as JSON}}
//         {"group": "type", "id": "a", "options": {.. "items": [{"name": "x"}]}}   results: `x=result` or `x!code`, as they end
//         {"all": [step, ...]}        side by side
//         {"any": [step, ...]}        until one has ended; the others are abandoned
//         {"timer_ms": 100}
//         {"signal": "name"}
//         {"cleanup": step}           not cancelled with the workflow
// Options default to queue `test` and start_to_close_timeout 10 s. Ends when a step fails: FAILED, or CANCELED when it was cancelled.
// The result is a JSON list of the results of the activities and signals, in order of the script.

#include "libs/workflow/definition/context.h"

namespace vora::workflow::testing {

Task<WorkflowResult> Script(WorkflowContext ctx, std::string input);
Registry ScriptRegistry();  // as `Script`

}  // namespace vora::workflow::testing
