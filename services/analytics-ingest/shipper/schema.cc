#include "services/analytics-ingest/shipper/schema.h"

#include <cstdlib>

#include "libs/clickhouse/client.h"

namespace vora::analytics {

std::string ViewSelect(const std::vector<SchemaMigration>& migrations) {
  constexpr std::string_view kHead = "playback_sessions_mv TO playback_sessions AS\n";
  // From the newest on: a later migration may have made the view anew.
  for (auto migration = migrations.rbegin(); migration != migrations.rend(); ++migration) {
    const std::string_view sql = migration->sql;
    const size_t head = sql.rfind(kHead);
    if (head == std::string_view::npos) continue;
    const size_t begin = head + kHead.size();
    return std::string(sql.substr(begin, sql.find(';', begin) - begin));
  }
  std::abort();  // the binary was built without its schema
}

std::string SessionsOfBatch(std::string_view batch, int32_t day) {
  constexpr std::string_view kFrom = "FROM playback_events WHERE ";
  std::string select = ViewSelect();
  const size_t from = select.rfind(kFrom);
  if (from == std::string::npos) std::abort();
  const std::string rows = "event_date = toDate(" + std::to_string(day) + ") AND batch = " + clickhouse::Quote(batch) + " AND ";
  select.insert(from + kFrom.size(), rows);
  return "INSERT INTO playback_sessions " + select;
}

}  // namespace vora::analytics
