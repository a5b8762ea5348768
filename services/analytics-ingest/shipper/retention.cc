#include "services/analytics-ingest/shipper/retention.h"

#include <sstream>

namespace vora::analytics {
namespace {

constexpr char kServersToday[] = "intDiv(toInt64(toUInt32(now())), 86400)";
constexpr char kDay[] = "toInt64(toUInt16(toDate(partition)))";

}  // namespace

StatusOr<int> DropOldDays(clickhouse::Client& client, int32_t today, int64_t retention_days) {
  int dropped = 0;
  const std::string age = "least(" + std::to_string(today) + ", " + kServersToday + ") - " + kDay;
  for (const std::string table : {"playback_events", "playback_sessions"}) {
    VORA_ASSIGN_OR_RETURN(const std::string days,
                          client.Query("SELECT DISTINCT partition FROM system.parts WHERE active AND database = " +
                                       clickhouse::Quote(client.options().database) + " AND table = " + clickhouse::Quote(table) + " AND " +
                                       age + " > " + std::to_string(retention_days) + " FORMAT TabSeparatedRaw"));
    std::istringstream lines(days);
    for (std::string day; std::getline(lines, day); ++dropped) {
      VORA_RETURN_IF_ERROR(
          client.Query("ALTER TABLE " + table + " DROP PARTITION " + clickhouse::Quote(day), {}, std::chrono::seconds(60)).status());
    }
  }
  return dropped;
}

}  // namespace vora::analytics
