#include "services/metadata/imports/scan_repo.h"

#include <set>

#include "libs/core/ids.h"
#include "libs/pg/statement.h"
#include "services/metadata/imports/import_rows_internal.h"
#include "services/metadata/rows/store.h"

namespace vora::metadata {
namespace {

constexpr int kMostFiles = 10'000;  // of an outcome, that a scan names

constexpr char kScanColumns[] = R"(
    SELECT s.scan_id, s.source, s.state, s.registered, s.skipped, s.failed, s.problem,
    (extract(epoch FROM s.started_at) * 1000000)::bigint AS started_us, (extract(epoch FROM s.ended_at) * 1000000)::bigint AS ended_us
    FROM scans s)";
constexpr char kBeginScan[] = "INSERT INTO scans (scan_id, tenant, source) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
constexpr char kBeginIfDue[] = R"(
    INSERT INTO scans (scan_id, tenant, source) SELECT $1, $2, $3
    WHERE NOT EXISTS (SELECT 1 FROM scans WHERE source = $3 AND (state = 'RUNNING' OR started_at > now() - $4 * interval '1 millisecond'))
    ON CONFLICT DO NOTHING)";
constexpr char kReasonsOf[] = "SELECT outcome, reason, files FROM scan_reasons WHERE scan_id = $1 ORDER BY outcome, files DESC, reason";
constexpr char kFilesOf[] = R"(
    SELECT seq, key, outcome, reason, video_id FROM scan_files WHERE scan_id = $1 AND ($2 = '' OR outcome = $2) AND seq > $3
    ORDER BY seq LIMIT $4)";
constexpr char kCancelScan[] =
    "UPDATE scans SET state = 'CANCELLED', ended_at = now(), problem = '' WHERE scan_id = $1 AND state = 'RUNNING'";
constexpr char kClaimScan[] = R"(
    WITH due AS (SELECT scan_id FROM scans WHERE state = 'RUNNING' AND locked_until < now() ORDER BY locked_until LIMIT 1
    FOR UPDATE SKIP LOCKED)
    UPDATE scans s SET locked_until = now() + $1 * interval '1 millisecond' FROM due WHERE s.scan_id = due.scan_id
    RETURNING s.scan_id, s.tenant, s.source, s.token, s.tries)";
constexpr char kLockScan[] = "SELECT 1 FROM scans WHERE scan_id = $1 AND state = 'RUNNING' AND token = $2 FOR UPDATE";
constexpr char kKnownFiles[] = R"(
    SELECT origin_key, origin_version, bool_and(deleted_at IS NOT NULL) AS deleted,
    bool_or(import_state = 'PENDING' AND state NOT IN ('FAILED', 'CANCELLED') AND deleted_at IS NULL) AS pending FROM videos
    WHERE tenant = $1 AND origin_source = $2 AND origin_source <> '' AND origin_key = ANY($3::text[]) GROUP BY origin_key, origin_version)";
constexpr char kAddFile[] = R"(
    INSERT INTO scan_files (scan_id, key, outcome, reason, video_id) SELECT $1, $2, $3, $4, $5
    WHERE (SELECT CASE WHEN $3 = 'failed' THEN failed ELSE registered END FROM scans WHERE scan_id = $1) < $6)";
constexpr char kAddReason[] = R"(
    INSERT INTO scan_reasons AS r (scan_id, outcome, reason, files) VALUES ($1, $2, $3, $4)
    ON CONFLICT (scan_id, outcome, reason) DO UPDATE SET files = r.files + excluded.files)";
constexpr char kAdvanceScan[] = R"(
    UPDATE scans SET token = $2, registered = registered + $3, skipped = skipped + $4, failed = failed + $5, tries = 0, problem = '',
    locked_until = now() + $6 * interval '1 millisecond', state = CASE WHEN $2 = '' THEN 'DONE' ELSE state END,
    ended_at = CASE WHEN $2 = '' THEN now() END WHERE scan_id = $1)";
constexpr char kPostponeScan[] = R"(
    UPDATE scans SET tries = tries + 1, problem = $3, locked_until = now() + $4 * interval '1 millisecond'
    WHERE scan_id = $1 AND state = 'RUNNING' AND token = $2)";
constexpr char kYieldScan[] = R"(
    UPDATE scans SET locked_until = now() + $3 * interval '1 millisecond' WHERE scan_id = $1 AND state = 'RUNNING' AND token = $2)";
constexpr char kStartsWaiting[] = "SELECT count(*) AS rows FROM (SELECT 1 FROM outbox WHERE done_at IS NULL LIMIT $1) AS pending";
constexpr char kFailScan[] = "UPDATE scans SET state = 'FAILED', problem = $2, ended_at = now() WHERE scan_id = $1 AND state = 'RUNNING'";
constexpr char kPurgeScans[] = R"(
    DELETE FROM scans WHERE scan_id IN (SELECT scan_id FROM (SELECT scan_id, state, row_number() OVER (PARTITION BY source
    ORDER BY started_at DESC) AS n FROM scans) AS t WHERE n > $1 AND state <> 'RUNNING'))";

constexpr char kKnownReason[] = "imported before";
constexpr char kDeletedReason[] = "its video was deleted";

v1::ScanState ParseScanState(std::string_view name) {
  v1::ScanState state = v1::SCAN_STATE_UNSPECIFIED;
  v1::ScanState_Parse("SCAN_STATE_" + std::string(name), &state);
  return state;
}

v1::Scan ReadScan(pqxx::transaction_base& tx, const pqxx::row& row) {
  v1::Scan scan;
  scan.set_scan_id(row["scan_id"].c_str());
  scan.set_source(row["source"].c_str());
  scan.set_state(ParseScanState(row["state"].c_str()));
  scan.set_registered(row["registered"].as<int64_t>());
  scan.set_skipped(row["skipped"].as<int64_t>());
  scan.set_failed(row["failed"].as<int64_t>());
  scan.set_found(scan.registered() + scan.skipped() + scan.failed());
  scan.set_problem(row["problem"].c_str());
  SetTime(row["started_us"], scan.mutable_started_at());
  if (!row["ended_us"].is_null()) SetTime(row["ended_us"], scan.mutable_ended_at());
  for (const auto& reason : tx.exec_params(kReasonsOf, scan.scan_id())) {
    auto* added = scan.add_reasons();
    added->set_outcome(reason["outcome"].c_str());
    added->set_reason(reason["reason"].c_str());
    added->set_files(reason["files"].as<int64_t>());
  }
  return scan;
}

StatusOr<v1::Scan> FindScan(pqxx::transaction_base& tx, const std::string& source, const std::string& scan_id) {
  const auto rows = tx.exec_params(std::string(kScanColumns) + " WHERE s.source = $1 AND s.scan_id = $2", source, scan_id);
  if (rows.empty()) return NotFound("no scan " + (IsId(scan_id) ? scan_id : "with this id") + " of this source");
  return ReadScan(tx, rows[0]);
}

// What the page comes to once it is compared with what is known.
struct Counts {
  int64_t registered = 0;
  std::map<std::string, int64_t> skipped, failed;  // by reason

  static int64_t Sum(const std::map<std::string, int64_t>& by_reason) {
    int64_t sum = 0;
    for (const auto& [reason, files] : by_reason) sum += files;
    return sum;
  }
};

// What there is of the keys of a page.
struct KnownFiles {
  std::map<std::pair<std::string, std::string>, bool> versions;  // key and version: whether all videos of it are deleted
  std::set<std::string> pending;                                 // keys whose newest version is still to be brought in
};

KnownFiles FindKnown(pqxx::work& tx, const ScanWork& work, const ScanPage& page) {
  pg::Array keys;
  for (const NewImport& candidate : page.candidates) keys.Add(candidate.key);
  KnownFiles known;
  for (const auto& row : tx.exec_params(kKnownFiles, work.tenant, work.source, keys.Text())) {
    const std::string key = row["origin_key"].c_str();
    known.versions[{key, row["origin_version"].c_str()}] = row["deleted"].as<bool>();
    if (row["pending"].as<bool>()) known.pending.insert(key);
  }
  return known;
}

StatusOr<Counts> Register(pqxx::work& tx, const ScanWork& work, const ScanPage& page) {
  Counts counts;
  counts.skipped = page.skipped;
  const KnownFiles known = FindKnown(tx, work, page);
  for (const NewImport& candidate : page.candidates) {
    const auto found = known.versions.find({candidate.key, candidate.version});
    const bool pending = known.pending.contains(candidate.key);
    if (found != known.versions.end() || pending) {
      ++counts.skipped[!pending && found->second ? kDeletedReason : kKnownReason];
      continue;
    }
    VORA_ASSIGN_OR_RETURN(const std::string id, AddImport(tx, candidate));
    if (id.empty()) {
      // A notification, or a person, was quicker.
      ++counts.skipped[kKnownReason];
      continue;
    }
    tx.exec_params(kAddFile, work.scan_id, candidate.key, "registered", "", id, kMostFiles);
    ++counts.registered;
  }
  for (const auto& [key, reason] : page.failed) {
    tx.exec_params(kAddFile, work.scan_id, key, "failed", reason, "", kMostFiles);
    ++counts.failed[reason];
  }
  return counts;
}

}  // namespace

StatusOr<v1::Scan> ScanRepo::Begin(const std::string& tenant, const std::string& source) {
  v1::Scan scan;
  VORA_RETURN_IF_ERROR(store_.Transact([&](pqxx::work& tx) -> Status {
    tx.exec_params(kBeginScan, NewId(), tenant, source);
    const auto rows = tx.exec_params(std::string(kScanColumns) + " WHERE s.source = $1 AND s.state = 'RUNNING'", source);
    // It ran when the insert met it, and has ended since: the next try begins one.
    if (rows.empty()) return Aborted("a scan of this source has just ended; ask again");
    scan = ReadScan(tx, rows[0]);
    return absl::OkStatus();
  }));
  return scan;
}

StatusOr<bool> ScanRepo::BeginIfDue(const std::string& tenant, const std::string& source, std::chrono::milliseconds interval) {
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<bool> {
    return tx.exec_params(kBeginIfDue, NewId(), tenant, source, static_cast<int64_t>(interval.count())).affected_rows() == 1;
  });
}

StatusOr<v1::Scan> ScanRepo::Get(const std::string& source, const std::string& scan_id) {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<v1::Scan> { return FindScan(tx, source, scan_id); });
}

StatusOr<std::vector<v1::Scan>> ScanRepo::List(const std::string& source, int limit) {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<std::vector<v1::Scan>> {
    std::vector<v1::Scan> scans;
    const auto rows = tx.exec_params(std::string(kScanColumns) + " WHERE s.source = $1 ORDER BY s.started_at DESC, s.scan_id DESC LIMIT $2",
                                     source, limit);
    for (const auto& row : rows) scans.push_back(ReadScan(tx, row));
    return scans;
  });
}

StatusOr<v1::ListScanFilesResponse> ScanRepo::Files(const std::string& scan_id, const std::string& outcome, int64_t after, int limit) {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<v1::ListScanFilesResponse> {
    v1::ListScanFilesResponse response;
    int64_t last = 0;
    for (const auto& row : tx.exec_params(kFilesOf, scan_id, outcome, after, limit + 1)) {
      if (response.files_size() == limit) {
        response.set_next_page_token(std::to_string(last));
        break;
      }
      last = row["seq"].as<int64_t>();
      auto* file = response.add_files();
      file->set_key(row["key"].c_str());
      file->set_outcome(row["outcome"].c_str());
      file->set_reason(row["reason"].c_str());
      file->set_video_id(row["video_id"].c_str());
    }
    return response;
  });
}

StatusOr<v1::Scan> ScanRepo::Cancel(const std::string& source, const std::string& scan_id) {
  v1::Scan scan;
  VORA_RETURN_IF_ERROR(store_.Transact([&](pqxx::work& tx) -> Status {
    VORA_RETURN_IF_ERROR(FindScan(tx, source, scan_id).status());
    tx.exec_params(kCancelScan, scan_id);
    VORA_ASSIGN_OR_RETURN(scan, FindScan(tx, source, scan_id));
    return absl::OkStatus();
  }));
  return scan;
}

StatusOr<std::optional<ScanWork>> ScanRepo::Claim(std::chrono::milliseconds lease) {
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<std::optional<ScanWork>> {
    std::optional<ScanWork> work;
    const auto rows = tx.exec_params(kClaimScan, static_cast<int64_t>(lease.count()));
    if (rows.empty()) return work;
    const pqxx::row row = rows[0];
    work.emplace();
    work->scan_id = row["scan_id"].c_str();
    work->tenant = row["tenant"].c_str();
    work->source = row["source"].c_str();
    work->token = row["token"].c_str();
    work->tries = row["tries"].as<int>();
    return work;
  });
}

StatusOr<bool> ScanRepo::Advance(const ScanWork& work, const ScanPage& page, std::chrono::milliseconds lease) {
  bool registered = false;
  const auto moved = store_.Transact([&](pqxx::work& tx) -> StatusOr<bool> {
    registered = false;
    if (tx.exec_params(kLockScan, work.scan_id, work.token).empty()) return false;
    VORA_ASSIGN_OR_RETURN(const Counts counts, Register(tx, work, page));
    for (const auto& [reason, files] : counts.skipped) tx.exec_params(kAddReason, work.scan_id, "skipped", reason, files);
    for (const auto& [reason, files] : counts.failed) tx.exec_params(kAddReason, work.scan_id, "failed", reason, files);
    const auto lease_ms = page.next_token.empty() ? int64_t{0} : static_cast<int64_t>(lease.count());
    tx.exec_params(kAdvanceScan, work.scan_id, page.next_token, counts.registered, Counts::Sum(counts.skipped), Counts::Sum(counts.failed),
                   lease_ms);
    registered = counts.registered > 0;
    return true;
  });
  if (moved.ok() && *moved && registered) store_.OutboxAdded();
  return moved;
}

Status ScanRepo::Postpone(const ScanWork& work, std::chrono::milliseconds delay, const std::string& why) {
  return store_.Transact([&](pqxx::work& tx) -> Status {
    tx.exec_params(kPostponeScan, work.scan_id, work.token, why, static_cast<int64_t>(delay.count()));
    return absl::OkStatus();
  });
}

Status ScanRepo::Yield(const ScanWork& work, std::chrono::milliseconds delay) {
  return store_.Transact([&](pqxx::work& tx) -> Status {
    tx.exec_params(kYieldScan, work.scan_id, work.token, static_cast<int64_t>(delay.count()));
    return absl::OkStatus();
  });
}

StatusOr<bool> ScanRepo::MustWait(int most) {
  return store_.Read(
      [&](pqxx::nontransaction& tx) -> StatusOr<bool> { return tx.exec_params1(kStartsWaiting, most)["rows"].as<int64_t>() >= most; });
}

Status ScanRepo::Fail(const ScanWork& work, const std::string& why) {
  return store_.Transact([&](pqxx::work& tx) -> Status {
    tx.exec_params(kFailScan, work.scan_id, why);
    return absl::OkStatus();
  });
}

Status ScanRepo::Purge(int keep) {
  return store_.Transact([&](pqxx::work& tx) -> Status {
    tx.exec_params(kPurgeScans, keep);
    return absl::OkStatus();
  });
}

}  // namespace vora::metadata
