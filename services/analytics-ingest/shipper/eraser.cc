#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>
#include <thread>

#include "services/analytics-ingest/shipper/shipper.h"

namespace vora::analytics {
namespace {

using clickhouse::Client;
using clickhouse::Quote;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kEraseTimeout{60};
constexpr std::chrono::minutes kMutationsBudget{5};
constexpr std::chrono::milliseconds kMutationPollInterval{50};
constexpr size_t kIdsPerStatement = 1000;
constexpr int kPasses = 3;

std::string List(auto begin, auto end) {
  std::string out;
  for (; begin != end; ++begin) out += (out.empty() ? "" : ",") + Quote(*begin);
  return "(" + out + ")";
}

StatusOr<int64_t> Count(Client& client, const std::string& sql) {
  VORA_ASSIGN_OR_RETURN(const std::string answer, client.Query(sql, {}, kEraseTimeout));
  return std::atoll(answer.c_str());
}

// Mutations are done by ClickHouse in the background, also when it was started anew in between.
Status AwaitMutations(Client& client) {
  const auto until = steady_clock::now() + kMutationsBudget;
  while (true) {
    VORA_ASSIGN_OR_RETURN(const int64_t open,
                          Count(client, "SELECT count() FROM system.mutations WHERE is_done = 0 AND database = " +
                                            Quote(client.options().database) + " AND table IN ('playback_events', 'playback_sessions')"));
    if (open == 0) return {};
    if (steady_clock::now() > until) return Unavailable("ClickHouse is still deleting; ask again later");
    std::this_thread::sleep_for(kMutationPollInterval);
  }
}

// Waits besides its own for all others: a repeated erasure ends when the first has.
Status Delete(Client& client, const std::string& table, const std::string& where) {
  VORA_RETURN_IF_ERROR(client.Query("ALTER TABLE " + table + " DELETE WHERE " + where, {}, kEraseTimeout).status());
  return AwaitMutations(client);
}

// Also those whose events are gone: what arrives while an erasure runs may leave a session behind that only it knows.
StatusOr<std::vector<std::string>> SessionsOf(Client& client, const std::string& mine, const std::string& hashes) {
  VORA_ASSIGN_OR_RETURN(
      const std::string answer,
      client.Query("SELECT DISTINCT session_id FROM (SELECT session_id FROM playback_events WHERE " + mine + " AND viewer IN " + hashes +
                       " UNION ALL SELECT session_id FROM (SELECT session_id, "
                       "maxMerge(viewer) AS who FROM playback_sessions WHERE " +
                       mine + " GROUP BY event_date, video_id, session_id) WHERE who IN " + hashes +
                       ") WHERE session_id != '' ORDER BY session_id FORMAT TabSeparatedRaw",
                   {}, kEraseTimeout));
  std::vector<std::string> ids;
  std::istringstream lines(answer);
  for (std::string id; std::getline(lines, id);) ids.push_back(std::move(id));
  return ids;
}

// Sessions go first, for mostly the events tell which they are: an erasure that was cut short finds them again. Deliveries and events
// without a viewer that belong to the same sessions go with these. What carries the viewer's hash goes last.
StatusOr<Erased> EraseOnce(Client& client, const std::string& mine, const std::string& hashes) {
  Erased erased;
  // What an earlier erasure is still deleting would be counted as found here.
  VORA_RETURN_IF_ERROR(AwaitMutations(client));
  VORA_ASSIGN_OR_RETURN(const std::vector<std::string> sessions, SessionsOf(client, mine, hashes));
  for (size_t i = 0; i < sessions.size(); i += kIdsPerStatement) {
    const auto begin = sessions.begin() + static_cast<std::ptrdiff_t>(i);
    const auto end = sessions.begin() + static_cast<std::ptrdiff_t>(std::min(i + kIdsPerStatement, sessions.size()));
    const std::string these = mine + " AND session_id IN " + List(begin, end);
    VORA_ASSIGN_OR_RETURN(const int64_t views,
                          Count(client, "SELECT uniqExact(video_id, session_id) FROM playback_sessions WHERE " + these));
    // A mutation looks at every part and is waited for, which nothing to delete is not worth.
    if (views > 0) VORA_RETURN_IF_ERROR(Delete(client, "playback_sessions", these));
    erased.sessions += views;
    const std::string others = these + " AND viewer = ''";
    VORA_ASSIGN_OR_RETURN(const int64_t events, Count(client, "SELECT count() FROM playback_events WHERE " + others));
    if (events > 0) VORA_RETURN_IF_ERROR(Delete(client, "playback_events", others));
    erased.events += events;
  }
  const std::string whose = mine + " AND viewer IN " + hashes;
  VORA_ASSIGN_OR_RETURN(const int64_t events, Count(client, "SELECT count() FROM playback_events WHERE " + whose));
  if (events > 0) VORA_RETURN_IF_ERROR(Delete(client, "playback_events", whose));
  erased.events += events;
  return erased;
}

}  // namespace

// Until nothing is found: a viewer who watches meanwhile brings a session back whose events are deleted.
StatusOr<Erased> EraseViewer(Client& client, const std::string& tenant, const std::vector<std::string>& viewer_hashes) {
  Erased erased;
  if (viewer_hashes.empty()) return erased;
  const std::string mine = "tenant = " + Quote(tenant), hashes = List(viewer_hashes.begin(), viewer_hashes.end());
  for (int pass = 0; pass < kPasses; ++pass) {
    VORA_ASSIGN_OR_RETURN(const Erased more, EraseOnce(client, mine, hashes));
    if (more.sessions + more.events == 0) break;
    erased.sessions += more.sessions;
    erased.events += more.events;
  }
  return erased;
}

}  // namespace vora::analytics
