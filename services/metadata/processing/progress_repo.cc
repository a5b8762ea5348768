#include "services/metadata/processing/progress_repo.h"

#include <map>

#include <nlohmann/json.hpp>

#include "libs/pg/statement.h"
#include "services/metadata/rows/store.h"
#include "services/metadata/rows/video_rows_internal.h"

namespace vora::metadata {
namespace {

// Replicas share the videos by skipping what another one holds, and polled_at keeps a video from being claimed by each of them in turn.
constexpr char kClaimVideos[] = R"(
    WITH due AS (SELECT video_id FROM videos WHERE state IN ('PROCESSING', 'PARTIALLY_READY') AND deleted_at IS NULL AND run_id <> ''
    AND polled_at < now() - $1 * interval '1 millisecond' ORDER BY polled_at LIMIT $2 FOR UPDATE SKIP LOCKED)
    UPDATE videos v SET polled_at = now() FROM due WHERE v.video_id = due.video_id
    RETURNING v.video_id, v.run_id)";
// Those that have changed since, and those that are gone.
constexpr char kChanged[] = R"(
    SELECT n.video_id, coalesce(v.version, 0) AS version, coalesce(v.run_id, '') AS run_id, coalesce(v.state, '') AS state,
    v.video_id IS NULL OR v.deleted_at IS NOT NULL AS gone, coalesce(v.import_state, '') AS import_state,
    coalesce(v.import_percent, 0) AS import_percent, coalesce(v.import_problem, '') AS import_problem FROM unnest($1::text[], $2::bigint[]) AS n(video_id, version)
    LEFT JOIN videos v ON v.video_id = n.video_id WHERE v.version IS DISTINCT FROM n.version)";
constexpr char kUpdateRendition[] =
    "UPDATE renditions SET progress_percent = $3, attempts = $4::jsonb, retries = $5, failure = $6 WHERE video_id = $1 AND name = $2";
constexpr char kUpdateImport[] = "UPDATE videos SET import_percent = $2, import_problem = $3 WHERE video_id = $1";
constexpr char kFailRun[] = "UPDATE videos SET failure_code = $2, failure = $3, cancel_requested = false WHERE video_id = $1";

// What the orchestrator says is old by the time the row is locked: a retry, a deletion or the run's own last report may have come in
// between.
bool IsOpen(const std::optional<VideoRow>& row, const VideoRun& run) {
  return row && !row->deleted && row->run_id == run.run_id && !IsFinal(row->video.state());
}

Need NeedOf(const pqxx::row& row, const FollowedRun& run) {
  const auto state = ParseVideoState(row["state"].c_str());
  const std::string run_id = row["run_id"].c_str();
  if (row["gone"].as<bool>() || !state || IsFinal(*state)) return Need::kOver;
  // The outbox has not noted the run that it has started; until then it is not sure that this is the newest.
  if (run_id.empty()) return Need::kLater;
  if (run_id != run.told.run_id()) return Need::kOver;
  return run.told.status() == workflow::v1::WORKFLOW_STATUS_RUNNING ? Need::kNothing : Need::kWrite;
}

bool ImportMoved(const pqxx::row& row, const FollowedRun& run) {
  if (std::string_view(row["import_state"].c_str()) != "PENDING") return false;
  const ImportView shown{row["import_percent"].as<int>(), row["import_problem"].c_str()};
  return Advance(shown, run.told.activities()) != shown;
}

}  // namespace

StatusOr<std::vector<VideoRun>> ProgressRepo::Claim(std::chrono::milliseconds interval, int limit) {
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<std::vector<VideoRun>> {
    std::vector<VideoRun> runs;
    for (const auto& row : tx.exec_params(kClaimVideos, static_cast<int64_t>(interval.count()), limit)) {
      runs.push_back({row["video_id"].c_str(), row["run_id"].c_str()});
    }
    return runs;
  });
}

StatusOr<std::vector<Need>> ProgressRepo::Compare(const std::vector<FollowedRun*>& runs) {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<std::vector<Need>> {
    pg::Array ids, versions;
    std::map<std::string, size_t> places;
    for (size_t i = 0; i < runs.size(); ++i) {
      places[runs[i]->video_id] = i;
      ids.Add(runs[i]->video_id);
      versions.Add(runs[i]->version);
    }
    std::vector<Need> needs(runs.size(), Need::kNothing);
    std::vector<std::string> open;
    for (const auto& row : tx.exec_params(kChanged, ids.Text(), versions.Text())) {
      const std::string id = row["video_id"].c_str();
      const size_t place = places.at(id);
      needs[place] = NeedOf(row, *runs[place]);
      if (needs[place] != Need::kNothing) continue;
      runs[place]->version = row["version"].as<int64_t>();
      if (ImportMoved(row, *runs[place])) {
        needs[place] = Need::kWrite;
        runs[place]->version = 0;
        continue;
      }
      open.push_back(id);
    }
    if (open.empty()) return needs;
    for (const RenditionRow& rendition : LoadRenditionRows(tx, open)) {
      const size_t place = places.at(rendition.video_id);
      const RenditionView view = ViewOf(rendition);
      if (!Differs(view, Advance(view, runs[place]->told.activities()))) continue;
      needs[place] = Need::kWrite;
      runs[place]->version = 0;
    }
    return needs;
  });
}

StatusOr<bool> ProgressRepo::Apply(const VideoRun& run, const ActivitySums& activities) {
  bool changed = false;
  std::string shown;
  VORA_RETURN_IF_ERROR(store_.Transact([&](pqxx::work& tx) -> Status {
    changed = false;
    auto row = LoadVideoRow(tx, run.video_id, Lock::kIfFree);
    if (!IsOpen(row, run)) return absl::OkStatus();
    shown = ShownId(*row);
    std::vector<RenditionRow> renditions = LoadRenditionRows(tx, {run.video_id});
    for (RenditionRow& rendition : renditions) {
      const RenditionView before = ViewOf(rendition);
      const RenditionView after = Advance(before, activities);
      if (!Differs(before, after)) continue;
      changed = true;
      VORA_RETURN_IF_ERROR(MoveRendition(tx, rendition, after.state).status());
      tx.exec_params(kUpdateRendition, run.video_id, after.name, after.progress_percent, nlohmann::json(after.attempts).dump(),
                     Retries(after), after.failure);
    }
    if (row->import && row->import->pending) {
      const ImportView before{row->import->percent, row->import->problem}, after = Advance(before, activities);
      if (after != before) tx.exec_params(kUpdateImport, run.video_id, after.percent, after.problem);
      changed |= after != before;
    }
    return changed ? RefreshVideo(tx, *row) : absl::OkStatus();
  }));
  if (changed) store_.VideoChanged(shown);
  return changed;
}

StatusOr<bool> ProgressRepo::Close(const VideoRun& run, v1::VideoState to, const std::string& code, const std::string& why) {
  bool changed = false;
  std::string shown;
  VORA_RETURN_IF_ERROR(store_.Transact([&](pqxx::work& tx) -> Status {
    changed = false;
    auto row = LoadVideoRow(tx, run.video_id, Lock::kForUpdate);
    if (!IsOpen(row, run)) return absl::OkStatus();
    shown = ShownId(*row);
    const bool failed = to == v1::VIDEO_STATE_FAILED;
    // Of a cancelled video they wait for a retry; of a failed one they failed with it.
    VORA_RETURN_IF_ERROR(FailOpenRenditions(tx, run.video_id, failed ? v1::RENDITION_STATE_FAILED : v1::RENDITION_STATE_PENDING));
    VORA_ASSIGN_OR_RETURN(changed, MoveVideo(tx, *row, to));
    tx.exec_params(kFailRun, run.video_id, failed ? code : "", failed ? why : "");
    TouchVideo(tx, run.video_id);
    return absl::OkStatus();
  }));
  if (changed) store_.VideoChanged(shown);
  return changed;
}

}  // namespace vora::metadata
