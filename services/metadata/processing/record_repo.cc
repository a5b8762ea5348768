#include "services/metadata/processing/record_repo.h"

#include <algorithm>
#include <chrono>
#include <functional>

#include <nlohmann/json.hpp>

#include "libs/core/error.h"
#include "libs/core/text.h"
#include "libs/layout/segment_list.h"
#include "libs/layout/track_kind.h"
#include "libs/pg/statement.h"
#include "libs/workflow/definition/payload.h"
#include "services/metadata/metrics.h"
#include "services/metadata/rows/encode_rows_internal.h"
#include "services/metadata/rows/store.h"
#include "services/metadata/rows/video_rows_internal.h"

namespace vora::metadata {
namespace {

namespace wf = workflow::v1;

// Replicas of the version before read the lengths of chunks.
constexpr char kStorePlan[] = "UPDATE videos SET media = $2::jsonb, chunks = $3::jsonb, duration_seconds = $4 WHERE video_id = $1";
// A retry plans again, and a report may be repeated: renditions that are there keep their state and their segments.
constexpr char kInsertRendition[] = R"(
    INSERT INTO renditions (video_id, name, ordinal, kind, state, width, height, frame_rate_num, frame_rate_den, sample_rate, channels,
    language, timescale, segment_seconds, codecs, max_bitrate, segments_total, label, role)
    VALUES ($1, $2, $3, $4, 'PENDING', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING)";
constexpr char kInsertSegments[] = R"(
    INSERT INTO segments (video_id, rendition, idx, duration, bytes)
    SELECT $1, $2, * FROM unnest($3::int[], $4::bigint[], $5::bigint[]) ON CONFLICT DO NOTHING)";
// Peak and average are measured over the published segments; the video's progress follows the segments.
// Counted anew from the rows instead of added up, so that a repeated report changes nothing. While a rendition is not DONE it stays below
// 100.
constexpr char kMeasure[] = R"(
    UPDATE renditions r SET segments_done = s.done, codecs = CASE WHEN $3 <> '' THEN $3 ELSE r.codecs END,
    bandwidth = s.peak, average_bandwidth = s.average,
    progress_percent = CASE WHEN r.state = 'DONE' THEN 100
    ELSE greatest(r.progress_percent, least(99, 100 * s.done / greatest(r.segments_total, 1))) END
    FROM (SELECT count(*)::int AS done, coalesce(max(ceil(g.bytes * 8.0 * r2.timescale / g.duration)), 0)::bigint AS peak,
    coalesce(ceil(sum(g.bytes) * 8.0 * max(r2.timescale) / sum(g.duration)), 0)::bigint AS average
    FROM segments g JOIN renditions r2 ON r2.video_id = g.video_id AND r2.name = g.rendition
    WHERE g.video_id = $1 AND g.rendition = $2) AS s
    WHERE r.video_id = $1 AND r.name = $2)";
constexpr char kFinishRendition[] = R"(
    UPDATE renditions SET failure_code = $3, failure = $4, progress_percent = CASE WHEN $5 THEN 100 ELSE progress_percent END
    WHERE video_id = $1 AND name = $2)";
constexpr char kFinishImport[] = R"(
    UPDATE videos v SET source_key = $2, source_bytes = $3, import_state = 'DONE', import_percent = 100, import_problem = '',
    origin_version = CASE WHEN v.origin_source = '' OR $4 = '' OR EXISTS (SELECT 1 FROM videos o WHERE o.tenant = v.tenant
    AND o.origin_source = v.origin_source AND o.origin_key = v.origin_key AND o.origin_version = $4 AND o.deleted_at IS NULL
    AND o.video_id <> v.video_id) THEN v.origin_version ELSE $4 END WHERE v.video_id = $1)";
constexpr char kStorePoster[] = "UPDATE videos SET poster_key = $2 WHERE video_id = $1";
// A try that failed leaves an earlier key alone. Without a new key only new warnings are a change: a repeated report gives no new version.
constexpr char kStorePart[] = R"(
    UPDATE videos SET parts = CASE WHEN $3 = '' THEN parts ELSE parts || jsonb_build_object($2::text, $3::text) END,
    part_warnings = jsonb_set(part_warnings, ARRAY[$2::text], $4::jsonb) WHERE video_id = $1
    AND ($3 <> '' OR part_warnings->$2 IS DISTINCT FROM $4::jsonb))";
constexpr char kStoreCaptions[] = R"(
    UPDATE videos SET captions = CASE WHEN $2 THEN $3::jsonb END,
    part_warnings = jsonb_set(part_warnings, '{captions}', $4::jsonb) WHERE video_id = $1
    AND ($2 OR part_warnings->'captions' IS DISTINCT FROM $4::jsonb))";
constexpr char kFinishVideo[] = R"(
    UPDATE videos SET failure_code = $2, failure = $3, cancel_requested = false,
    ready_at = CASE WHEN $4 THEN now() ELSE ready_at END WHERE video_id = $1)";

std::string TextsJson(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  nlohmann::json array = nlohmann::json::array();
  for (const std::string& text : texts) array.push_back(text);
  return array.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool IsPartName(std::string_view text) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), allowed);
}

// What a report may do to a video.
bool IsStale(const VideoRow& row, const std::string& run_id) {
  if (row.deleted || row.video.state() == v1::VIDEO_STATE_CANCELLED) return true;
  if (run_id.empty()) return false;
  if (run_id == row.last_run_id) return true;
  // Before the outbox has noted the run's id, any run but the one before is the current one.
  return !row.run_id.empty() && run_id != row.run_id;
}

std::string LanguageOf(const media::v1::MediaInfo& media, const media::v1::TrackPlan& track) {
  for (const auto& audio : media.audio()) {
    if (audio.stream_index() == track.source_stream_index() && !layout::TrackKindOf(track.kind()).is_video) return audio.language();
  }
  return {};
}

bool InsertRendition(pqxx::work& tx, const std::string& video_id, int ordinal, const media::v1::TrackPlan& track,
                     const std::string& language) {
  const bool video = layout::TrackKindOf(track.kind()).is_video;
  const int64_t bitrate = video ? track.rung().max_bitrate() : track.audio().bitrate();
  const auto inserted =
      tx.exec_params(kInsertRendition, video_id, track.name(), ordinal, track.kind(), track.width(), track.height(), track.frame_rate_num(),
                     track.frame_rate_den(), track.audio().sample_rate(), track.audio().channels(), language, track.timescale(),
                     track.segment_seconds(), track.codecs(), bitrate, track.segments_total(), track.label(), track.role());
  return inserted.affected_rows() == 1;
}

double AgeSeconds(const v1::Video& video) {
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  const auto created = static_cast<double>(video.created_at().seconds()) + static_cast<double>(video.created_at().nanos()) / 1e9;
  return std::max(0.0, now - created);
}

// Runs `body` on the locked row, unless the report is stale; `body` says whether it changed anything.
StatusOr<bool> Report(Store& store, obs::Metrics& metrics, const std::string& video_id, const std::string& run_id,
                      const std::function<StatusOr<bool>(pqxx::work&, VideoRow&)>& body) {
  bool changed = false;
  v1::Video before, after;
  std::string shown;
  int run_number = 0;
  const Status status = store.Transact([&](pqxx::work& tx) -> Status {
    changed = false;
    auto row = LoadVideoRow(tx, video_id, Lock::kForUpdate);
    if (!row) return NotFound("no video " + video_id);
    if (IsStale(*row, run_id)) return absl::OkStatus();
    before = row->video;
    shown = ShownId(*row);
    VORA_ASSIGN_OR_RETURN(changed, body(tx, *row));
    after = row->video;
    run_number = row->run_number;
    return absl::OkStatus();
  });
  VORA_RETURN_IF_ERROR(status);
  if (!changed) return false;
  store.VideoChanged(shown);
  // Metrics come after the commit: the body may run again when the transaction meets a conflict.
  // A retry may come days later: that is not how long processing takes.
  if (run_number != 1 || shown != video_id) return true;
  if (after.playable() && !before.playable()) kTimeToPlayable.In(metrics).Observe(AgeSeconds(after));
  if (IsFinal(after.state()) && !IsFinal(before.state())) {
    kProcessing.In(metrics, {ToLower(StateName(after.state()))}).Observe(AgeSeconds(after));
  }
  return true;
}

StatusOr<RenditionRow> FindRendition(pqxx::work& tx, const VideoRow& row, const std::string& track) {
  for (auto& rendition : LoadRenditionRows(tx, {row.video.video_id()})) {
    if (rendition.rendition.name() == track) return rendition;
  }
  return NotFound("the plan of video " + row.video.video_id() + " has no track " + track);
}

Status CheckAllFinal(pqxx::work& tx, const VideoRow& row) {
  for (const auto& rendition : LoadRenditionRows(tx, {row.video.video_id()})) {
    if (!IsFinal(rendition.rendition.state())) {
      return FailedPrecondition("rendition " + rendition.rendition.name() + " is still " +
                                std::string(StateName(rendition.rendition.state())) + "; the video cannot be READY");
    }
  }
  return absl::OkStatus();
}

StatusOr<bool> RecordTrackSegments(pqxx::work& tx, const VideoRow& row, const media::v1::TrackSegments& segments) {
  const std::string& video_id = row.video.video_id();
  VORA_ASSIGN_OR_RETURN(RenditionRow rendition, FindRendition(tx, row, segments.track()));
  VORA_ASSIGN_OR_RETURN(const auto list, layout::Unpack(segments));
  pg::Array indices, durations, sizes;
  for (const auto& segment : list) {
    indices.Add(int{segment.index()});
    durations.Add(int64_t{segment.duration()});
    sizes.Add(int64_t{segment.bytes()});
  }
  const auto inserted = tx.exec_params(kInsertSegments, video_id, segments.track(), indices.Text(), durations.Text(), sizes.Text());
  if (inserted.affected_rows() == 0) return false;
  if (rendition.rendition.state() == v1::RENDITION_STATE_PENDING) {
    VORA_RETURN_IF_ERROR(MoveRendition(tx, rendition, v1::RENDITION_STATE_PROCESSING).status());
  }
  tx.exec_params(kMeasure, video_id, segments.track(), segments.codecs());
  return true;
}

// A later encode takes the place of a video only when it is whole, and nobody was told that it will not.
// What of an encode stands in the way of taking the video's place; empty: nothing.
std::string ShortOf(pqxx::work& tx, const VideoRow& row) {
  if (const std::string missing = MissingOf(tx, row); !missing.empty()) return missing + " could not be made.";
  for (const auto& rendition : LoadRenditionRows(tx, {row.video.video_id()})) {
    if (rendition.rendition.state() == v1::RENDITION_STATE_FAILED) return rendition.rendition.name() + ": " + rendition.rendition.failure();
  }
  return "";
}

wf::RecordVideoInput EndOfEncode(pqxx::work& tx, const VideoRow& row, wf::RecordVideoInput input) {
  if (input.state() != StateName(v1::VIDEO_STATE_READY)) return input;
  if (row.cancel_requested) {
    input.set_state(std::string(StateName(v1::VIDEO_STATE_CANCELLED)));
  } else if (const std::string shortcoming = ShortOf(tx, row); !shortcoming.empty()) {
    input.set_state(std::string(StateName(v1::VIDEO_STATE_FAILED)));
    input.set_failure_code("encode.incomplete");
    input.set_failure(shortcoming + " The video stays as it was.");
  }
  return input;
}

}  // namespace

StatusOr<bool> RecordRepo::RecordImport(const std::string& run_id, const wf::RecordImportInput& input) {
  return Report(store_, metrics_, input.video_id(), run_id, [&](pqxx::work& tx, VideoRow& row) -> StatusOr<bool> {
    if (IsFinal(row.video.state()) || !row.import || !row.import->pending) return false;
    // The report may overtake the outbox's own note that the workflow runs.
    if (row.video.state() == v1::VIDEO_STATE_CREATED) VORA_RETURN_IF_ERROR(MoveVideo(tx, row, v1::VIDEO_STATE_PROCESSING).status());
    // The version that it is of, which may be a later one than was asked for; a folder's goes down to the second.
    const std::string version = input.etag().substr(0, input.etag().find('.'));
    tx.exec_params(kFinishImport, input.video_id(), input.source_key(), input.bytes(), version);
    TouchVideo(tx, input.video_id());
    return true;
  });
}

StatusOr<bool> RecordRepo::RecordPlan(const std::string& run_id, const wf::RecordPlanInput& input) {
  return Report(store_, metrics_, input.video_id(), run_id, [&](pqxx::work& tx, VideoRow& row) -> StatusOr<bool> {
    // A plan that comes after the video's end is a late repetition.
    if (IsFinal(row.video.state())) return false;
    bool changed = !row.has_media;
    // The report may overtake the outbox's own note that the workflow runs.
    if (row.video.state() == v1::VIDEO_STATE_CREATED) {
      VORA_ASSIGN_OR_RETURN(changed, MoveVideo(tx, row, v1::VIDEO_STATE_PROCESSING));
    }
    int ordinal = 0;
    for (const auto& track : input.plan().tracks()) {
      changed |= InsertRendition(tx, input.video_id(), ordinal++, track, LanguageOf(input.media(), track));
    }
    if (!changed) return false;
    nlohmann::json chunks = nlohmann::json::array();
    for (const auto& chunk : input.plan().chunks()) chunks.push_back({{"index", chunk.index()}, {"segments", chunk.segment_count()}});
    tx.exec_params(kStorePlan, input.video_id(), workflow::ToPayload(input.media()), chunks.dump(), input.media().duration_seconds());
    VORA_RETURN_IF_ERROR(RefreshVideo(tx, row));
    return true;
  });
}

StatusOr<bool> RecordRepo::RecordSegments(const std::string& run_id, const wf::RecordSegmentsInput& input) {
  // Of a finished video the published playlists are final: segments that are told of later must not change it.
  return Report(store_, metrics_, input.video_id(), run_id, [&](pqxx::work& tx, VideoRow& row) -> StatusOr<bool> {
    if (IsFinal(row.video.state())) return false;
    bool changed = false;
    if (!input.segments().track().empty() || input.tracks().empty()) {
      VORA_ASSIGN_OR_RETURN(changed, RecordTrackSegments(tx, row, input.segments()));
    }
    for (const auto& segments : input.tracks()) {
      VORA_ASSIGN_OR_RETURN(const bool grown, RecordTrackSegments(tx, row, segments));
      changed |= grown;
    }
    if (changed) VORA_RETURN_IF_ERROR(RefreshVideo(tx, row));
    return changed;
  });
}

StatusOr<bool> RecordRepo::RecordTrack(const std::string& run_id, const wf::RecordTrackInput& input) {
  const auto to = ParseRenditionState(input.state());
  if (!to) return InvalidField("state", "no rendition state is called " + input.state());
  return Report(store_, metrics_, input.video_id(), run_id, [&](pqxx::work& tx, VideoRow& row) -> StatusOr<bool> {
    if (IsFinal(row.video.state())) return false;
    VORA_ASSIGN_OR_RETURN(RenditionRow rendition, FindRendition(tx, row, input.track()));
    VORA_ASSIGN_OR_RETURN(const bool changed, MoveRendition(tx, rendition, *to));
    if (!changed) return false;
    const bool failed = *to == v1::RENDITION_STATE_FAILED;
    tx.exec_params(kFinishRendition, input.video_id(), input.track(), failed ? input.failure_code() : "", failed ? input.failure() : "",
                   *to == v1::RENDITION_STATE_DONE);
    VORA_RETURN_IF_ERROR(RefreshVideo(tx, row));
    return true;
  });
}

StatusOr<bool> RecordRepo::RecordPoster(const std::string& run_id, const wf::RecordPosterInput& input) {
  return Report(store_, metrics_, input.video_id(), run_id, [&](pqxx::work& tx, VideoRow& row) -> StatusOr<bool> {
    if (row.poster_key == input.key()) return false;
    tx.exec_params(kStorePoster, input.video_id(), input.key());
    TouchVideo(tx, input.video_id());
    return true;
  });
}

StatusOr<bool> RecordRepo::RecordPart(const std::string& run_id, const wf::RecordPartInput& input) {
  // RecordStoryboard is older than the field.
  const std::string part = input.part().empty() ? kStoryboardPart : input.part();
  if (!IsPartName(part)) return InvalidField("part", "must be 1 to 32 of a-z 0-9 _", "32 bytes");
  return Report(store_, metrics_, input.video_id(), run_id, [&](pqxx::work& tx, VideoRow& row) -> StatusOr<bool> {
    if (row.parts.contains(part)) return false;
    const auto stored = tx.exec_params(kStorePart, input.video_id(), part, input.key(), TextsJson(input.warnings()));
    if (stored.affected_rows() == 0) return false;
    TouchVideo(tx, input.video_id());
    return true;
  });
}

StatusOr<bool> RecordRepo::RecordCaptions(const std::string& run_id, const wf::RecordCaptionsInput& input) {
  return Report(store_, metrics_, input.video_id(), run_id, [&](pqxx::work& tx, VideoRow& row) -> StatusOr<bool> {
    if (row.captions_done) return false;
    std::string captions = "[";
    for (const auto& caption : input.captions()) captions += (captions.size() > 1 ? "," : "") + workflow::ToPayload(caption);
    const auto stored = tx.exec_params(kStoreCaptions, input.video_id(), input.done(), captions + "]", TextsJson(input.warnings()));
    if (stored.affected_rows() == 0) return false;
    TouchVideo(tx, input.video_id());
    return true;
  });
}

StatusOr<bool> RecordRepo::RecordVideo(const std::string& run_id, const wf::RecordVideoInput& told) {
  if (!ParseVideoState(told.state())) return InvalidField("state", "no video state is called " + told.state());
  return Report(store_, metrics_, told.video_id(), run_id, [&](pqxx::work& tx, VideoRow& row) -> StatusOr<bool> {
    const wf::RecordVideoInput input = row.encode_of.empty() ? told : EndOfEncode(tx, row, told);
    const auto to = ParseVideoState(input.state());
    // A workflow may fail or be cancelled before the outbox noted that it runs.
    if (row.video.state() == v1::VIDEO_STATE_CREATED && *to == v1::VIDEO_STATE_READY) {
      VORA_RETURN_IF_ERROR(MoveVideo(tx, row, v1::VIDEO_STATE_PROCESSING).status());
    }
    VORA_ASSIGN_OR_RETURN(const bool changed, MoveVideo(tx, row, *to));
    if (!changed) return false;
    const bool failed = *to == v1::VIDEO_STATE_FAILED;
    // Checked after the move: whatever fails here rolls the move back with it.
    if (*to == v1::VIDEO_STATE_READY) VORA_RETURN_IF_ERROR(CheckAllFinal(tx, row));
    if (failed) VORA_RETURN_IF_ERROR(FailOpenRenditions(tx, input.video_id(), v1::RENDITION_STATE_FAILED));
    if (*to == v1::VIDEO_STATE_CANCELLED) VORA_RETURN_IF_ERROR(FailOpenRenditions(tx, input.video_id(), v1::RENDITION_STATE_PENDING));
    if (IsFinal(*to)) {
      tx.exec_params(kFinishVideo, input.video_id(), failed ? input.failure_code() : "", failed ? input.failure() : "",
                     *to == v1::VIDEO_STATE_READY);
    }
    VORA_RETURN_IF_ERROR(RefreshVideo(tx, row));
    if (*to == v1::VIDEO_STATE_READY && !row.encode_of.empty()) VORA_RETURN_IF_ERROR(AdoptEncode(tx, row, replaced_grace_));
    return true;
  });
}

}  // namespace vora::metadata
