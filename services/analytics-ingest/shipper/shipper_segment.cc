#include "services/analytics-ingest/shipper/shipper_segment.h"

#include <cstring>
#include <sstream>

#include "libs/core/ids.h"
#include "libs/log/log.h"
#include "services/analytics-ingest/events/event.h"
#include "services/analytics-ingest/shipper/schema.h"

namespace vora::analytics {
namespace {

using clickhouse::InsertFate;
using clickhouse::Quote;
using std::chrono::steady_clock;

constexpr std::chrono::minutes kTimeStaysKnown{1};
constexpr std::chrono::seconds kRedriveTimeout{120};
constexpr size_t kServerMsOffset = 2 + 4;  // event_date, event_time; see AppendRow

// Batch ids come from file names: nothing else may get into SQL.
std::string IdsOfTries(const std::string& batch) { return "query_id LIKE " + Quote("vora-" + batch + "-%"); }

}  // namespace

StatusOr<SegmentShipper::ServerTime> SegmentShipper::AskTime() {
  VORA_ASSIGN_OR_RETURN(const std::string answer, client_.Query("SELECT toUInt32(now()), toUInt32(uptime())"));
  std::istringstream in(answer);
  int64_t now = 0, uptime = 0;
  if (!(in >> now >> uptime)) return Internal("ClickHouse: not a time: " + answer);
  server_time_ = {steady_clock::now(), now};
  return ServerTime{now, now - uptime};
}

StatusOr<int64_t> SegmentShipper::ServerNow() {
  const auto now = steady_clock::now();
  if (!server_time_ || now - server_time_->first > kTimeStaysKnown) {
    VORA_ASSIGN_OR_RETURN(const ServerTime time, AskTime());
    return time.now;
  }
  return server_time_->second + std::chrono::duration_cast<std::chrono::seconds>(now - server_time_->first).count();
}

StatusOr<int64_t> SegmentShipper::Number(const std::string& sql) {
  VORA_ASSIGN_OR_RETURN(const std::string answer, client_.Query(sql, {}, kRedriveTimeout));
  int64_t number = 0;
  if (!(std::istringstream(answer) >> number)) return Internal("ClickHouse: not a number: " + answer);
  return number;
}

StatusOr<int64_t> SegmentShipper::RowsThere(const SealedSegment& segment) {
  return Number("SELECT count() FROM playback_events WHERE event_date = toDate(" + std::to_string(segment.day) +
                ") AND batch = " + Quote(segment.batch));
}

Status SegmentShipper::EndEarlierTries(const Shipment& shipment) {
  const std::string which = IdsOfTries(shipment.segment.batch);
  VORA_ASSIGN_OR_RETURN(const int64_t running, Number("SELECT count() FROM system.processes WHERE " + which));
  if (running == 0) return {};
  // It may end in success all the same.
  (void)client_.Query("KILL QUERY WHERE " + which + " AND elapsed > 30 ASYNC");
  return Unavailable("an earlier insert of this batch is still running");
}

// The order matters. Once the server's clock is past `not_after`, a try that has not been entered in system.processes will be refused by
// the table itself; once it is not there either, all that it did can be seen.
StatusOr<SegmentShipper::Found> SegmentShipper::Look(Shipment& shipment) {
  const SealedSegment& segment = shipment.segment;
  VORA_ASSIGN_OR_RETURN(const ServerTime time, AskTime());
  // A daemon before this one may have made its try a moment ago; the latest that it can begin is counted from now.
  if (shipment.unknown_try) {
    shipment.began = time.now;
    shipment.not_after = time.now + options_.begin_within.count();
    shipment.unknown_try = false;
  }
  // Both are whole seconds: one of slack on each.
  const bool restarted = time.boot > shipment.began + 1;
  const bool clear = shipment.not_after == 0 || restarted || time.now > shipment.not_after + 1;
  VORA_RETURN_IF_ERROR(EndEarlierTries(shipment));
  VORA_ASSIGN_OR_RETURN(const int64_t there, RowsThere(segment));
  if (there == segment.rows) return Found::kAll;
  if (there == 0) return clear ? Found::kNothing : Found::kNotYetClear;
  if (there > segment.rows) return Found::kTooMany;
  // An insert is whole or not at all, so rows have gone since: only an erasure takes single ones.
  VORA_ASSIGN_OR_RETURN(
      const int64_t erasures,
      Number("SELECT count() FROM system.mutations WHERE table = 'playback_events' AND database = " + Quote(client_.options().database)));
  return erasures > 0 ? Found::kErased : Found::kTooMany;
}

StatusOr<ShipResult> SegmentShipper::Quarantine(const Shipment& shipment, std::string_view reason) {
  log::Error("spool segment quarantined", {{"batch", shipment.segment.batch}, {"rows", shipment.segment.rows}, {"reason", reason}});
  VORA_RETURN_IF_ERROR(spool_.Quarantine(shipment.segment, reason));
  return ShipResult::kQuarantined;
}

StatusOr<ShipResult> SegmentShipper::Finish(Shipment& shipment, Found found) {
  if (found == Found::kTooMany) return Quarantine(shipment, "ClickHouse has another number of rows of this batch");
  // The insert may have ended between the table and its view.
  clickhouse::QuerySettings settings;
  VORA_ASSIGN_OR_RETURN(const clickhouse::Version version, client_.ServerVersion());
  if (version.AtLeast(22, 2)) settings = {{"async_insert", "0"}};
  VORA_RETURN_IF_ERROR(client_.Query(SessionsOfBatch(shipment.segment.batch, shipment.segment.day), settings, kRedriveTimeout).status());
  VORA_RETURN_IF_ERROR(spool_.Release(shipment.segment));
  return ShipResult::kRecovered;
}

StatusOr<std::string> SegmentShipper::Rows(Shipment& shipment, int64_t not_after) {
  const SealedSegment& segment = shipment.segment;
  // 32 digits: a length that LEB128 writes as one byte.
  std::string tail(1, static_cast<char>(segment.batch.size()));
  tail += segment.batch;
  const auto limit = static_cast<uint32_t>(not_after);
  tail.append(reinterpret_cast<const char*>(&limit), sizeof limit);
  std::string rows;
  rows.reserve(static_cast<size_t>(segment.bytes) + static_cast<size_t>(segment.rows) * tail.size());
  int64_t count = 0;
  VORA_RETURN_IF_ERROR(spool_.ReadRows(segment, [&](std::string_view row) {
    if (count++ == 0 && row.size() >= kServerMsOffset + 8) std::memcpy(&shipment.first_ms, row.data() + kServerMsOffset, 8);
    rows += row;
    rows += tail;
  }));
  // A file that is whole and has another number of rows was changed, and its batch would never be found complete.
  if (count != segment.rows) return DataLoss("it has " + std::to_string(count) + " rows instead of " + std::to_string(segment.rows));
  return rows;
}

// One block, so one part: the rows become visible together or not at all.
StatusOr<clickhouse::QuerySettings> SegmentShipper::InsertSettings(const Shipment& shipment) {
  const std::string above = std::to_string(shipment.segment.rows + 1);
  clickhouse::QuerySettings settings = {
      {"max_insert_block_size", above}, {"min_insert_block_size_rows", above}, {"min_insert_block_size_bytes", "0"}};
  VORA_ASSIGN_OR_RETURN(const clickhouse::Version version, client_.ServerVersion());
  if (version.AtLeast(22, 2)) {
    settings["async_insert"] = "0";
    // Parsed in parallel the rows would become several blocks, so several parts.
    settings["input_format_parallel_parsing"] = "0";
    settings["insert_deduplicate"] = "1";
    settings["insert_deduplication_token"] = shipment.token.empty() ? shipment.segment.batch : shipment.token;
    // A block that the table has already still goes to the view, which may have missed it and takes it any number of times.
    settings["deduplicate_blocks_in_dependent_materialized_views"] = "1";
  }
  return settings;
}

Status SegmentShipper::Insert(Shipment& shipment, const std::string& rows, std::chrono::milliseconds timeout) {
  VORA_ASSIGN_OR_RETURN(const clickhouse::QuerySettings settings, InsertSettings(shipment));
  InsertFate fate = InsertFate::kUnknown;
  const Status inserted =
      client_.Insert("INSERT INTO playback_events (" + std::string(kRowColumns) + ",not_after) FORMAT RowBinary", rows,
                     "vora-" + shipment.segment.batch + "-" + std::to_string(++shipment.tries), settings, timeout, &fate);
  if (inserted.ok()) return inserted;
  // Asked again the next time: it may be another server by then, or this one started anew.
  server_time_.reset();
  // Only an answer is the server's own refusal.
  if (fate == InsertFate::kEnded) ++shipment.answered;
  shipment.ask = shipment.ask || fate != InsertFate::kNotBegun;
  // It was answered, or never begun: no try is left that could come to life.
  if (fate != InsertFate::kUnknown) shipment.not_after = 0;
  return inserted;
}

// A server notes a block's token before it shows the part. Did it die, or fail, in between, then it takes the same token for a duplicate
// ever after, and says OK without having the rows.
Status SegmentShipper::CheckNotSkipped(Shipment& shipment) {
  VORA_ASSIGN_OR_RETURN(const int64_t there, RowsThere(shipment.segment));
  if (there > 0) return {};
  shipment.not_after = 0;  // it was answered
  shipment.token = RandomHex(16);
  return Unavailable("ClickHouse skipped batch " + shipment.segment.batch +
                     " as inserted before, but has no row of it; trying another token");
}

StatusOr<ShipResult> SegmentShipper::Try(Shipment& shipment, std::chrono::milliseconds timeout) {
  if (shipment.ask) {
    VORA_ASSIGN_OR_RETURN(const Found found, Look(shipment));
    if (found == Found::kNotYetClear) return ShipResult::kWait;
    if (found != Found::kNothing) return Finish(shipment, found);
    shipment.ask = false;
    shipment.again = true;
  }
  VORA_ASSIGN_OR_RETURN(const int64_t now, ServerNow());
  const int64_t not_after = now + options_.begin_within.count();
  // Read before anything is marked: of a damaged segment that was never tried, the spool can save the rows that are intact.
  const auto rows = Rows(shipment, not_after);
  if (rows.status().code() == StatusCode::kDataLoss) return Quarantine(shipment, Message(rows.status()));
  // The disk's fault, of this segment only: it must not hold up the others as ClickHouse's absence does.
  if (!rows.ok()) return Internal("spool segment " + std::to_string(shipment.segment.number) + ": " + Message(rows.status()));
  if (!shipment.segment.in_doubt) {
    VORA_RETURN_IF_ERROR(spool_.MarkInDoubt(shipment.segment));
    shipment.segment.in_doubt = true;
  }
  shipment.began = now;
  shipment.not_after = not_after;
  VORA_RETURN_IF_ERROR(Insert(shipment, *rows, timeout));
  shipment.ask = true;  // should it stay in the spool
  if (shipment.again) VORA_RETURN_IF_ERROR(CheckNotSkipped(shipment));
  VORA_RETURN_IF_ERROR(spool_.Release(shipment.segment));
  return ShipResult::kShipped;
}

}  // namespace vora::analytics
