#include "services/metadata/processing/progress_repo.h"

#include <nlohmann/json.hpp>

#include "services/metadata/rows/store.h"
#include "services/metadata/rows/video_rows_internal.h"

namespace vora::metadata {
namespace {

// Replicas share the videos by skipping what another one holds, and polled_at keeps a video from being asked for by each of them in turn.
constexpr char kClaimVideos[] = R"(
    WITH due AS (SELECT video_id FROM videos WHERE state IN ('PROCESSING', 'PARTIALLY_READY') AND deleted_at IS NULL AND run_id <> ''
    AND polled_at < now() - $1 * interval '1 millisecond' ORDER BY polled_at LIMIT $2 FOR UPDATE SKIP LOCKED)
    UPDATE videos v SET polled_at = now() FROM due WHERE v.video_id = due.video_id
    RETURNING v.video_id, v.run_id, coalesce(v.chunks, '[]')::text AS chunks)";
constexpr char kUpdateRendition[] =
    "UPDATE renditions SET progress_percent = $3, attempts = $4::jsonb, retries = $5, failure = $6 WHERE video_id = $1 AND name = $2";
constexpr char kFailRun[] = "UPDATE videos SET failure_code = $2, failure = $3, cancel_requested = false WHERE video_id = $1";

// Describe was answered without a lock: a retry, a deletion or the run's own last report may have come in between.
bool IsOpen(const std::optional<VideoRow>& row, const PolledVideo& video) {
  return row && !row->deleted && row->run_id == video.run_id && !IsFinal(row->video.state());
}

bool Differs(const RenditionView& a, const RenditionView& b) {
  return a.state != b.state || a.progress_percent != b.progress_percent || a.attempts != b.attempts || a.failure != b.failure;
}

}  // namespace

StatusOr<std::vector<PolledVideo>> ProgressRepo::Claim(std::chrono::milliseconds interval, int limit) {
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<std::vector<PolledVideo>> {
    std::vector<PolledVideo> videos;
    for (const auto& row : tx.exec_params(kClaimVideos, static_cast<int64_t>(interval.count()), limit)) {
      PolledVideo video{row["video_id"].c_str(), row["run_id"].c_str(), {}};
      const auto chunks = nlohmann::json::parse(row["chunks"].c_str());
      for (const auto& chunk : chunks) video.chunks[chunk.at("index").get<int>()] = chunk.at("segments").get<int>();
      videos.push_back(std::move(video));
    }
    return videos;
  });
}

StatusOr<bool> ProgressRepo::Apply(const PolledVideo& video, const std::vector<ActivityView>& activities) {
  bool changed = false;
  VORA_RETURN_IF_ERROR(store_.Transact([&](pqxx::work& tx) -> Status {
    changed = false;
    auto row = LoadVideoRow(tx, video.video_id, Lock::kForUpdate);
    if (!IsOpen(row, video)) return absl::OkStatus();
    std::vector<RenditionRow> renditions = LoadRenditionRows(tx, {video.video_id});
    for (RenditionRow& rendition : renditions) {
      const RenditionView before = ViewOf(rendition);
      const RenditionView after = Advance(before, video.chunks, activities);
      if (!Differs(before, after)) continue;
      changed = true;
      VORA_RETURN_IF_ERROR(MoveRendition(tx, rendition, after.state).status());
      tx.exec_params(kUpdateRendition, video.video_id, after.name, after.progress_percent, nlohmann::json(after.attempts).dump(),
                     Retries(after), after.failure);
    }
    return changed ? RefreshVideo(tx, *row) : absl::OkStatus();
  }));
  if (changed) store_.VideoChanged(video.video_id);
  return changed;
}

StatusOr<bool> ProgressRepo::Close(const PolledVideo& video, v1::VideoState to, const std::string& code, const std::string& why) {
  bool changed = false;
  VORA_RETURN_IF_ERROR(store_.Transact([&](pqxx::work& tx) -> Status {
    changed = false;
    auto row = LoadVideoRow(tx, video.video_id, Lock::kForUpdate);
    if (!IsOpen(row, video)) return absl::OkStatus();
    const bool failed = to == v1::VIDEO_STATE_FAILED;
    // Of a cancelled video they wait for a retry; of a failed one they failed with it.
    VORA_RETURN_IF_ERROR(FailOpenRenditions(tx, video.video_id, failed ? v1::RENDITION_STATE_FAILED : v1::RENDITION_STATE_PENDING));
    VORA_ASSIGN_OR_RETURN(changed, MoveVideo(tx, *row, to));
    tx.exec_params(kFailRun, video.video_id, failed ? code : "", failed ? why : "");
    TouchVideo(tx, video.video_id);
    return absl::OkStatus();
  }));
  if (changed) store_.VideoChanged(video.video_id);
  return changed;
}

}  // namespace vora::metadata
