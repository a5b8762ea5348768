#include "services/analytics-ingest/retention.h"

#include <sstream>

namespace vora::analytics {

StatusOr<int> DropDaysBefore(clickhouse::Client& client, int32_t first_day) {
  int dropped = 0;
  for (const std::string table : {"playback_events", "playback_sessions"}) {
    VORA_ASSIGN_OR_RETURN(const std::string days,
                          client.Query("SELECT DISTINCT partition FROM system.parts WHERE active AND database = " +
                                       clickhouse::Quote(client.options().database) + " AND table = " + clickhouse::Quote(table) +
                                       " AND toDate(partition) < toDate(" + std::to_string(first_day) + ") FORMAT TabSeparatedRaw"));
    std::istringstream lines(days);
    for (std::string day; std::getline(lines, day); ++dropped) {
      VORA_RETURN_IF_ERROR(
          client.Query("ALTER TABLE " + table + " DROP PARTITION " + clickhouse::Quote(day), {}, std::chrono::seconds(60)).status());
    }
  }
  return dropped;
}

}  // namespace vora::analytics
