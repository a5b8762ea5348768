#include "libs/workflow/engine/run_export_internal.h"

#include "libs/core/time.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/engine/run_views_internal.h"

namespace vora::workflow {

std::string ExportName(const RunRow& run) {
  constexpr size_t kYearAndMonth = sizeof("2026-11") - 1;
  return FormatRfc3339(FromUnixMs(run.start_time_us / 1000)).substr(0, kYearAndMonth) + "/" + run.run_id + ".json";
}

std::string ExportText(const RunRow& run, const std::vector<Event>& history, const std::vector<AttemptRow>& attempts) {
  nlohmann::ordered_json document;
  document["workflow"] = nlohmann::ordered_json::parse(ToPayload(ToWorkflowInfo(run)));
  document["history"] = nlohmann::ordered_json::parse(HistoryToJson(history));
  document["failedAttempts"] = nlohmann::ordered_json::array();
  for (const auto& attempt : attempts) {
    document["failedAttempts"].push_back(nlohmann::ordered_json::parse(ToPayload(ToFailedAttempt(attempt))));
  }
  return document.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace vora::workflow
