#pragma once

// Whether this program agrees with the histories of all open runs: asked before an upgrade.

#include <functional>
#include <string>

#include "libs/core/status.h"
#include "libs/workflow/definition/context.h"

namespace vora::pg {
class Database;
}

namespace vora::workflow {

struct ReplayCheck {
  int checked = 0;
  int would_park = 0;
  int stay_parked = 0;  // those that are parked now, and would be still
};

// Replays the history of every open run, reading only. `differs` is told of each that does not agree, and whether it is parked already.
StatusOr<ReplayCheck> CheckOpenRuns(pg::Database& db, const Registry& registry,
                                    const std::function<void(const RunInfo& run, const std::string& why, bool parked)>& differs);

}  // namespace vora::workflow
