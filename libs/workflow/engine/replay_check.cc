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
    std::vector<repo::OpenRun> page;
    VORA_RETURN_IF_ERROR(db.Read([&](pqxx::nontransaction& tx) -> Status {
      page = repo::OpenRuns(tx, after, kPage);
      return {};
    }));
    for (const auto& run : page) {
      std::vector<Event> history;
      VORA_RETURN_IF_ERROR(db.Read([&](pqxx::nontransaction& tx) -> Status {
        history = repo::LoadHistory(tx, run.info.run_id, 0, kWhole, /*inputs=*/false);
        return {};
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
