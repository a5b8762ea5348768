#include "libs/workflow/engine/replay_check.h"

#include <limits>
#include <vector>

#include "libs/log/log.h"
#include "libs/pg/database.h"
#include "libs/workflow/definition/replayer.h"
#include "libs/workflow/store/run_repo_internal.h"

namespace vora::workflow {
namespace {

constexpr int kPage = 200;
constexpr int kWhole = std::numeric_limits<int>::max();

}  // namespace

StatusOr<ReplayCheck> CheckOpenRuns(pg::Database& db, const Registry& registry,
                                    const std::function<void(const RunInfo& run, const std::string& why, bool parked)>& differs) {
  ReplayCheck check;
  int64_t after = 0;
  while (true) {
    VORA_ASSIGN_OR_RETURN(const auto page, db.Read([&](pqxx::nontransaction& tx) -> StatusOr<std::vector<repo::OpenRun>> {
      return repo::OpenRuns(tx, after, kPage);
    }));
    for (const auto& run : page) {
      VORA_ASSIGN_OR_RETURN(const auto history, db.Read([&](pqxx::nontransaction& tx) -> StatusOr<std::vector<Event>> {
        return repo::LoadHistory(tx, run.info.run_id, 0, kWhole, /*inputs=*/false);
      }));
      ++check.checked;
      const Status agrees = CheckReplay(registry, run.info, history);
      if (agrees.ok()) continue;
      ++(run.parked ? check.stay_parked : check.would_park);
      differs(run.info, Message(agrees), run.parked);
    }
    if (page.size() < kPage) return check;
    after = page.back().seq;
    log::Info("replaying open workflows", {{"checked", check.checked}});
  }
}

}  // namespace vora::workflow
