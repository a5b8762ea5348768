#include "services/metadata/processing/outbox_repo.h"

#include "services/metadata/rows/store.h"
#include "services/metadata/rows/video_rows_internal.h"

namespace vora::metadata {
namespace {

// Only the oldest open row of a video is ever due, so a cancel cannot overtake its start. Replicas skip what another one holds; after its
// commit the row's new next_attempt_at keeps them off.
constexpr char kClaimRows[] = R"(
    WITH due AS (SELECT o.seq FROM outbox o WHERE o.done_at IS NULL AND o.next_attempt_at <= now()
    AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.video_id = o.video_id AND e.done_at IS NULL AND e.seq < o.seq)
    ORDER BY o.seq LIMIT 1 FOR UPDATE SKIP LOCKED)
    UPDATE outbox o SET attempts = o.attempts + 1, next_attempt_at = now() + $1 * interval '1 millisecond'
    FROM due, videos v WHERE o.seq = due.seq AND v.video_id = o.video_id
    RETURNING o.seq, o.request_id, o.video_id, o.tenant, o.kind, o.payload, o.traceparent, o.run_number, o.attempts, v.last_run_id,
    (extract(epoch FROM now() - o.created_at) * 1000)::bigint AS age_ms, v.priority)";
constexpr char kPriority[] = "SELECT priority FROM videos WHERE video_id = $1";
constexpr char kDone[] = "UPDATE outbox SET done_at = now(), last_error = $2 WHERE seq = $1 AND done_at IS NULL";
constexpr char kPostpone[] =
    "UPDATE outbox SET next_attempt_at = now() + $2 * interval '1 millisecond', last_error = $3 WHERE seq = $1 AND done_at IS NULL";
// The run of an older start is the one that a later start has to wait for.
constexpr char kCurrentRun[] = "UPDATE videos SET run_id = $2 WHERE video_id = $1";
constexpr char kEarlierRun[] = "UPDATE videos SET last_run_id = $2 WHERE video_id = $1";
constexpr char kFailVideo[] = "UPDATE videos SET failure_code = $2, failure = $3 WHERE video_id = $1";
constexpr char kPending[] = R"(
    SELECT count(*) AS rows, coalesce(greatest(0, extract(epoch FROM now() - min(created_at))), 0)::float8 AS oldest FROM outbox
    WHERE done_at IS NULL)";
constexpr char kPurge[] = "DELETE FROM outbox WHERE done_at < now() - $1 * interval '1 hour'";

}  // namespace

StatusOr<std::optional<OutboxRow>> OutboxRepo::Claim(std::chrono::milliseconds lease) {
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<std::optional<OutboxRow>> {
    std::optional<OutboxRow> claimed;
    const pqxx::result rows = tx.exec_params(kClaimRows, static_cast<int64_t>(lease.count()));
    if (rows.empty()) return claimed;
    const pqxx::row row = rows[0];
    OutboxRow& out = claimed.emplace();
    out.seq = row["seq"].as<int64_t>();
    out.request_id = row["request_id"].c_str();
    out.video_id = row["video_id"].c_str();
    out.tenant = row["tenant"].c_str();
    out.kind = row["kind"].c_str();
    out.payload = row["payload"].c_str();
    out.traceparent = row["traceparent"].c_str();
    out.run_number = row["run_number"].as<int>();
    out.attempts = row["attempts"].as<int>();
    out.last_run_id = row["last_run_id"].c_str();
    out.age = std::chrono::milliseconds(row["age_ms"].as<int64_t>());
    out.priority = row["priority"].as<int>();
    return claimed;
  });
}

StatusOr<std::optional<int>> OutboxRepo::PriorityOf(const std::string& video_id) {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<std::optional<int>> {
    const pqxx::result rows = tx.exec_params(kPriority, video_id);
    return rows.empty() ? std::nullopt : std::optional(rows[0]["priority"].as<int>());
  });
}

Status OutboxRepo::FinishStart(const OutboxRow& row, const std::string& run_id) {
  bool changed = false;
  std::string shown;
  VORA_RETURN_IF_ERROR(store_.Transact([&](pqxx::work& tx) -> Status {
    changed = false;
    // The video's row is locked before the outbox's, as cancel, retry and delete do it.
    auto video = LoadVideoRow(tx, row.video_id, Lock::kForUpdate);
    if (video) shown = ShownId(*video);
    if (video && video->run_number == row.run_number) {
      tx.exec_params(kCurrentRun, row.video_id, run_id);
      if (video->video.state() == v1::VIDEO_STATE_CREATED && !video->deleted) {
        VORA_ASSIGN_OR_RETURN(changed, MoveVideo(tx, *video, v1::VIDEO_STATE_PROCESSING));
        TouchVideo(tx, row.video_id);
      }
    } else if (video) {
      // A retry came in between: this start is no longer the newest, and what its run reports must count as stale.
      tx.exec_params(kEarlierRun, row.video_id, run_id);
    }
    tx.exec_params(kDone, row.seq, "");
    return absl::OkStatus();
  }));
  if (changed) store_.VideoChanged(shown);
  return absl::OkStatus();
}

Status OutboxRepo::Finish(const OutboxRow& row) {
  return store_.Transact([&](pqxx::work& tx) -> Status {
    tx.exec_params(kDone, row.seq, "");
    return absl::OkStatus();
  });
}

Status OutboxRepo::RefuseStart(const OutboxRow& row, const std::string& code, const std::string& why) {
  std::string shown = row.video_id;
  VORA_RETURN_IF_ERROR(store_.Transact([&](pqxx::work& tx) -> Status {
    auto video = LoadVideoRow(tx, row.video_id, Lock::kForUpdate);
    if (video) shown = ShownId(*video);
    // A video that was deleted, cancelled or retried meanwhile is no longer this start's to fail.
    if (video && !video->deleted && video->run_number == row.run_number && !IsFinal(video->video.state())) {
      VORA_RETURN_IF_ERROR(FailOpenRenditions(tx, row.video_id, v1::RENDITION_STATE_FAILED));
      VORA_RETURN_IF_ERROR(MoveVideo(tx, *video, v1::VIDEO_STATE_FAILED).status());
      tx.exec_params(kFailVideo, row.video_id, code, why);
      TouchVideo(tx, row.video_id);
    }
    tx.exec_params(kDone, row.seq, why);
    return absl::OkStatus();
  }));
  store_.VideoChanged(shown);
  return absl::OkStatus();
}

Status OutboxRepo::Postpone(const OutboxRow& row, std::chrono::milliseconds delay, const std::string& why) {
  return store_.Transact([&](pqxx::work& tx) -> Status {
    tx.exec_params(kPostpone, row.seq, static_cast<int64_t>(delay.count()), why);
    return absl::OkStatus();
  });
}

StatusOr<OutboxBacklog> OutboxRepo::Pending() {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<OutboxBacklog> {
    const pqxx::row row = tx.exec1(kPending);
    return OutboxBacklog{row["rows"].as<int64_t>(), row["oldest"].as<double>()};
  });
}

StatusOr<int64_t> OutboxRepo::Purge(std::chrono::hours age) {
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<int64_t> {
    return static_cast<int64_t>(tx.exec_params(kPurge, static_cast<int64_t>(age.count())).affected_rows());
  });
}

}  // namespace vora::metadata
