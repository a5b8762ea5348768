#include <algorithm>

#include <nlohmann/json.hpp>

#include "libs/core/error.h"
#include "libs/core/labels.h"
#include "libs/layout/layout.h"
#include "libs/layout/track_kind.h"
#include "libs/workflow/definition/payload.h"
#include "services/metadata/rows/video_rows_internal.h"

namespace vora::metadata {
namespace {

constexpr char kSelectRenditions[] = R"(
    SELECT video_id, name, kind, state, progress_percent, width, height, frame_rate_num, frame_rate_den, codecs, max_bitrate,
    bandwidth, average_bandwidth, segments_done, segments_total, failure, retries, attempts::text AS attempts, language, label, role
    FROM renditions WHERE video_id = ANY($1::text[]) ORDER BY video_id, ordinal, name)";
constexpr char kSetTexts[] = R"(
    UPDATE videos SET title = $2, description = $3, title_given = $4, labels = $5, version = nextval('video_versions'), updated_at = now()
    WHERE video_id = $1)";
constexpr char kWarn[] = R"(
    UPDATE videos SET part_warnings = part_warnings || jsonb_build_object($2::text, jsonb_build_array($3::text)) WHERE video_id = $1)";
constexpr char kMoveVideo[] = "UPDATE videos SET state = $2 WHERE video_id = $1";
constexpr char kMoveRendition[] = "UPDATE renditions SET state = $3 WHERE video_id = $1 AND name = $2";
// Drawn while the video's row is locked, so that versions of one video grow in the order of its commits. Those of several videos need not.
constexpr char kTouch[] = "UPDATE videos SET version = nextval('video_versions'), updated_at = now() WHERE video_id = $1";
// A picture is needed where one was planned, and the first sound, if there is any, of those that did not fail.
// The first segment is enough, since a growing video's manifests list what is there.
constexpr char kPlayable[] = R"(
    SELECT coalesce(bool_or(begun) AND (bool_or(kind = 'video' AND begun) OR NOT bool_or(kind = 'video')) AND
    coalesce((array_agg(begun ORDER BY ordinal) FILTER (WHERE kind = 'audio' AND lives))[1], true), false) AS playable
    FROM (SELECT r.kind, r.ordinal, r.state <> 'FAILED' AS lives, r.state <> 'FAILED' AND EXISTS (SELECT 1 FROM segments s
    WHERE s.video_id = r.video_id AND s.rendition = r.name AND s.idx = 0) AS begun FROM renditions r WHERE r.video_id = $1) AS t)";
// clock_timestamp(), since now() is the begin of a transaction that may have waited long for the row.
constexpr char kRefresh[] = R"(
    UPDATE videos SET progress_percent = $2, playable = $3,
    first_playable_at = CASE WHEN $3 THEN coalesce(first_playable_at, clock_timestamp()) ELSE first_playable_at END,
    version = nextval('video_versions'), updated_at = now() WHERE video_id = $1)";

// Whoever gives out an id of this tenant waits for who is at it, so that a second one finds it taken rather than breaking the index.
constexpr char kLockExternalId[] = "SELECT pg_advisory_xact_lock(hashtextextended('external_id ' || $1 || ' ' || $2, 0))";
constexpr char kHolderOfExternalId[] =
    "SELECT video_id FROM videos WHERE tenant = $1 AND external_id = $2 AND deleted_at IS NULL AND video_id <> $3";
constexpr char kSetExternalId[] =
    "UPDATE videos SET external_id = $2, version = nextval('video_versions'), updated_at = now() WHERE video_id = $1";

// Ids here are of rows that were found, so nothing has to be escaped.
std::string TextArray(const std::vector<std::string>& ids) {
  std::string array = "{";
  for (const std::string& id : ids) array += (array.size() > 1 ? ",\"" : "\"") + id + "\"";
  return array + "}";
}

std::vector<media::v1::Caption> ReadCaptions(const char* json) {
  // The list travels as a field of a message, since JSON of protobuf is always a message's.
  workflow::v1::RecordCaptionsInput list;
  if (!workflow::FromPayload(std::string("{\"captions\":") + json + "}", list).ok()) return {};
  return {list.captions().begin(), list.captions().end()};
}

RenditionRow ReadRenditionRow(const pqxx::row& row) {
  RenditionRow result;
  result.video_id = row["video_id"].c_str();
  result.kind = row["kind"].c_str();
  v1::Rendition& rendition = result.rendition;
  rendition.set_name(row["name"].c_str());
  rendition.set_state(ParseRenditionState(row["state"].c_str()).value_or(v1::RENDITION_STATE_UNSPECIFIED));
  rendition.set_progress_percent(row["progress_percent"].as<int>());
  rendition.set_width(row["width"].as<int>());
  rendition.set_height(row["height"].as<int>());
  const int den = row["frame_rate_den"].as<int>();
  rendition.set_frame_rate(den > 0 ? static_cast<double>(row["frame_rate_num"].as<int>()) / den : 0);
  rendition.set_codecs(row["codecs"].c_str());
  // Until a segment is published the plan's limit stands in for the measured peak.
  const auto measured = row["bandwidth"].as<int64_t>();
  rendition.set_bandwidth(measured > 0 ? measured : row["max_bitrate"].as<int64_t>());
  rendition.set_average_bandwidth(row["average_bandwidth"].as<int64_t>());
  rendition.set_segments_done(row["segments_done"].as<int>());
  rendition.set_segments_total(row["segments_total"].as<int>());
  rendition.set_failure(row["failure"].c_str());
  rendition.set_retries(row["retries"].as<int>());
  rendition.set_language(row["language"].c_str());
  rendition.set_label(row["label"].c_str());
  rendition.set_role(row["role"].c_str());
  const auto attempts = nlohmann::json::parse(row["attempts"].c_str());
  for (const auto& [id, count] : attempts.items()) result.attempts[id] = count.get<int>();
  return result;
}

std::optional<ImportRow> ReadImport(const pqxx::row& row) {
  const std::string state = row["import_state"].c_str();
  if (state.empty()) return std::nullopt;
  ImportRow import;
  import.source = row["origin_source"].c_str();
  import.key = row["origin_key"].c_str();
  import.url = row["origin_url"].c_str();
  import.copy = row["origin_copy"].as<bool>();
  import.pending = state == "PENDING";
  import.percent = row["import_percent"].as<int>();
  import.problem = row["import_problem"].c_str();
  return import;
}

v1::ImportStatus ShowImport(const ImportRow& import) {
  v1::ImportStatus shown;
  shown.set_source(import.source);
  shown.set_key(import.key);
  // What stands behind `?` often lets in whoever has it.
  shown.set_url(import.url.substr(0, import.url.find('?')));
  shown.set_copied(import.copy);
  shown.set_done(!import.pending);
  shown.set_progress_percent(import.pending ? import.percent : 100);
  shown.set_problem(import.problem);
  return shown;
}

v1::SourceFacts FactsOf(const media::v1::MediaInfo& media) {
  v1::SourceFacts facts;
  facts.set_container(media.container());
  const auto& video = media.video();
  facts.set_video_codec(video.codec());
  facts.set_width(video.width());
  facts.set_height(video.height());
  facts.set_frame_rate(video.frame_rate_den() > 0 ? static_cast<double>(video.frame_rate_num()) / video.frame_rate_den() : 0);
  facts.set_pixel_format(video.pixel_format());
  facts.set_color_primaries(video.color().primaries());
  facts.set_color_transfer(video.color().transfer());
  facts.set_color_matrix(video.color().matrix());
  facts.set_color_range(video.color().range());
  for (const auto& track : media.audio()) {
    auto* audio = facts.add_audio();
    audio->set_codec(track.codec());
    audio->set_language(track.language());
    audio->set_channels(track.channels());
    audio->set_sample_rate(track.sample_rate());
  }
  for (const auto& subtitles : media.subtitles()) facts.add_subtitle_languages(subtitles.language());
  return facts;
}

}  // namespace

void SetTime(const pqxx::field& micros, google::protobuf::Timestamp* time) {
  const auto value = micros.as<int64_t>();
  time->set_seconds(value / 1'000'000);
  time->set_nanos(static_cast<int32_t>(value % 1'000'000) * 1000);
}

// An older daemon still writes a storyboard to storyboard_key: both columns are read as one.
const char kVideoColumns[] = R"(
    v.video_id, v.tenant, v.upload_id, v.title, v.title_given, v.description, v.filename, v.state, v.version, v.revision, v.source_key,
    v.source_bytes, v.object_prefix, v.media IS NOT NULL AS has_media, coalesce(v.media->'warnings', '[]')::text AS warnings,
    v.duration_seconds, v.poster_key, v.parts || CASE WHEN v.storyboard_key = '' THEN '{}' ELSE
    jsonb_build_object('storyboard', v.storyboard_key) END AS parts, coalesce(v.captions::text, '') AS captions, v.part_warnings::text AS
    part_warnings, v.progress_percent, v.playable, v.failure_code, v.failure, v.run_number, v.run_id, v.last_run_id,
    v.cancel_requested, v.traceparent, v.priority, v.external_id, v.labels::text AS labels, v.ladder->>'name' AS ladder_name,
    coalesce((v.ladder->>'version')::integer, 0) AS ladder_version,
    coalesce((v.ladder->>'mp4')::boolean, false) AS wants_mp4, v.origin_source, v.origin_key,
    v.origin_url, v.origin_copy, v.import_state, v.import_percent, v.import_problem, v.media::text AS media, v.deleted_at IS NOT NULL AS deleted, v.encode_of,
    (extract(epoch FROM v.created_at) * 1000000)::bigint AS created_us, (extract(epoch FROM v.updated_at) * 1000000)::bigint AS
    updated_us,
    (extract(epoch FROM v.ready_at) * 1000000)::bigint AS ready_us,
    (extract(epoch FROM v.first_playable_at) * 1000000)::bigint AS first_playable_us)";

VideoRow ReadVideoRow(const pqxx::row& row) {
  VideoRow result;
  v1::Video& video = result.video;
  video.set_video_id(row["video_id"].c_str());
  video.set_tenant(row["tenant"].c_str());
  video.set_upload_id(row["upload_id"].c_str());
  video.set_title(row["title"].c_str());
  video.set_description(row["description"].c_str());
  video.set_filename(row["filename"].c_str());
  video.set_state(ParseVideoState(row["state"].c_str()).value_or(v1::VIDEO_STATE_UNSPECIFIED));
  video.set_version(row["version"].as<int64_t>());
  video.set_revision(row["revision"].as<int>());
  video.set_source_bytes(row["source_bytes"].as<int64_t>());
  video.set_duration_seconds(row["duration_seconds"].as<double>());
  video.set_progress_percent(row["progress_percent"].as<int>());
  video.set_playable(row["playable"].as<bool>());
  video.set_priority(row["priority"].as<int>());
  video.set_external_id(row["external_id"].c_str());
  video.set_ladder(row["ladder_name"].c_str());
  video.set_ladder_version(row["ladder_version"].as<int>());
  result.wants_mp4 = row["wants_mp4"].as<bool>();
  const auto labels = nlohmann::json::parse(row["labels"].c_str());
  for (const auto& [key, value] : labels.items()) (*video.mutable_labels())[key] = value.get<std::string>();
  video.set_failure_code(row["failure_code"].c_str());
  video.set_failure(row["failure"].c_str());
  SetTime(row["created_us"], video.mutable_created_at());
  SetTime(row["updated_us"], video.mutable_updated_at());
  if (!row["ready_us"].is_null()) SetTime(row["ready_us"], video.mutable_ready_at());
  if (!row["first_playable_us"].is_null()) SetTime(row["first_playable_us"], video.mutable_first_playable_at());
  const auto warnings = nlohmann::json::parse(row["warnings"].c_str());
  for (const auto& warning : warnings) video.add_warnings(warning.get<std::string>());
  result.source_key = row["source_key"].c_str();
  result.object_prefix = row["object_prefix"].c_str();
  const auto part_warnings = nlohmann::json::parse(row["part_warnings"].c_str());
  for (const auto& part : part_warnings) {
    for (const auto& warning : part) video.add_warnings(warning.get<std::string>());
  }
  result.poster_key = row["poster_key"].c_str();
  result.parts = nlohmann::json::parse(row["parts"].c_str()).get<std::map<std::string, std::string>>();
  // NULL: not looked for so far. An empty list: looked for, and there are none.
  result.captions_done = *row["captions"].c_str() != '\0';
  if (result.captions_done) result.captions = ReadCaptions(row["captions"].c_str());
  result.run_id = row["run_id"].c_str();
  result.last_run_id = row["last_run_id"].c_str();
  result.traceparent = row["traceparent"].c_str();
  result.run_number = row["run_number"].as<int>();
  result.cancel_requested = row["cancel_requested"].as<bool>();
  result.title_given = row["title_given"].as<bool>();
  result.has_media = row["has_media"].as<bool>();
  result.deleted = row["deleted"].as<bool>();
  result.encode_of = row["encode_of"].c_str();
  result.import = ReadImport(row);
  if (result.import) *video.mutable_import() = ShowImport(*result.import);
  if (result.has_media) result.media = row["media"].c_str();
  return result;
}

std::optional<VideoRow> LoadVideoRow(pqxx::transaction_base& tx, const std::string& video_id, Lock lock) {
  std::string sql = std::string("SELECT ") + kVideoColumns + " FROM videos v WHERE v.video_id = $1";
  // Every change of a video, of its renditions and of its outbox rows begins with this lock, and nothing else orders them.
  if (lock != Lock::kNone) sql += " FOR UPDATE";
  if (lock == Lock::kIfFree) sql += " SKIP LOCKED";
  const pqxx::result rows = tx.exec_params(sql, video_id);
  if (rows.empty()) return std::nullopt;
  return ReadVideoRow(rows[0]);
}

std::vector<RenditionRow> LoadRenditionRows(pqxx::transaction_base& tx, const std::vector<std::string>& video_ids) {
  std::vector<RenditionRow> renditions;
  for (const auto& row : tx.exec_params(kSelectRenditions, TextArray(video_ids))) renditions.push_back(ReadRenditionRow(row));
  return renditions;
}

bool IsVisible(const std::optional<VideoRow>& row) { return row && !row->deleted && row->encode_of.empty(); }

const std::string& ShownId(const VideoRow& row) { return row.encode_of.empty() ? row.video.video_id() : row.encode_of; }

RenditionView ViewOf(const RenditionRow& row) {
  const v1::Rendition& r = row.rendition;
  return {r.name(),          layout::TrackKindOf(row.kind).is_video,
          r.state(),         r.progress_percent(),
          r.segments_done(), r.segments_total(),
          r.width(),         r.height(),
          row.attempts,      r.failure()};
}

v1::Video Assemble(const VideoRow& row, const std::vector<RenditionRow>& renditions, const std::string& public_url) {
  v1::Video video = row.video;
  // What names its folder in raw/ is no upload that anybody could ask for.
  if (row.import) video.clear_upload_id();
  // One that cannot be read, of a later version, is no reason to show nothing.
  media::v1::MediaInfo media;
  if (row.has_media && workflow::FromPayload(row.media, media).ok()) *video.mutable_source() = FactsOf(media);
  for (const RenditionRow& rendition : renditions) {
    if (rendition.video_id == video.video_id()) *video.add_renditions() = rendition.rendition;
  }
  const std::string base = public_url + "/v/" + video.video_id();
  if (video.playable()) {
    video.set_hls_url(base + "/master.m3u8");
    video.set_dash_url(base + "/manifest.mpd");
  }
  if (!row.poster_key.empty()) video.set_poster_url(base + "/poster.jpg");
  for (const auto& [name, key] : row.parts) {
    v1::VideoPart& part = *video.add_parts();
    part.set_name(name);
    part.set_url(base + "/" + std::string(layout::FileOf(key)));
    if (name == kStoryboardPart) video.set_storyboard_url(part.url());
  }
  for (const auto& stored : row.captions) {
    auto* caption = video.add_captions();
    caption->set_language(stored.language());
    caption->set_name(stored.name());
    caption->set_url(base + "/" + layout::RevisionFolder(row.video.video_id(), row.object_prefix) + stored.track() + "/seg_0.vtt");
    caption->set_forced(stored.forced());
    caption->set_hearing_impaired(stored.hearing_impaired());
  }
  video.set_watch_url(public_url + "/watch/" + video.video_id());
  return video;
}

// Gives no new version: callers end with TouchVideo or RefreshVideo, so that one change has one version.
StatusOr<bool> MoveVideo(pqxx::transaction_base& tx, VideoRow& row, v1::VideoState to) {
  VORA_ASSIGN_OR_RETURN(const bool changed, CheckTransition(row.video.state(), to));
  if (!changed) return false;
  tx.exec_params(kMoveVideo, row.video.video_id(), std::string(StateName(to)));
  row.video.set_state(to);
  return true;
}

StatusOr<bool> MoveRendition(pqxx::transaction_base& tx, RenditionRow& row, v1::RenditionState to) {
  VORA_ASSIGN_OR_RETURN(const bool changed, CheckTransition(row.rendition.state(), to));
  if (!changed) return false;
  tx.exec_params(kMoveRendition, row.video_id, row.rendition.name(), std::string(StateName(to)));
  row.rendition.set_state(to);
  return true;
}

std::string LabelsJson(const Labels& labels) { return nlohmann::json(labels).dump(); }

VideoTexts TextsOf(const VideoRow& row) {
  const v1::Video& video = row.video;
  return {video.title(), row.title_given, video.description(), {video.labels().begin(), video.labels().end()}};
}

void SetTexts(pqxx::transaction_base& tx, const VideoRow& row, const VideoTexts& texts) {
  const VideoTexts known = TextsOf(row);
  if (texts.title == known.title && texts.title_given == known.title_given && texts.description == known.description &&
      texts.labels == known.labels) {
    return;
  }
  tx.exec_params(kSetTexts, row.video.video_id(), texts.title, texts.description, texts.title_given, LabelsJson(texts.labels));
}

Status AddTexts(pqxx::transaction_base& tx, const VideoRow& row, const FurtherTexts& further) {
  VideoTexts texts = TextsOf(row);
  // The client's request and the upload's announcement race for the video: a title that a person gave wins, whichever comes first.
  if (further.title && !texts.title_given) {
    texts.title = *further.title;
    texts.title_given = true;
    if (!further.description.empty()) texts.description = further.description;
  }
  for (const auto& [key, value] : further.labels) texts.labels[key] = value;
  VORA_RETURN_IF_ERROR(CheckLabels(texts.labels));
  SetTexts(tx, row, texts);
  return absl::OkStatus();
}

Status SetExternalId(pqxx::transaction_base& tx, const VideoRow& row, const std::string& external_id) {
  const v1::Video& video = row.video;
  if (external_id == video.external_id()) return absl::OkStatus();
  if (!external_id.empty()) {
    tx.exec_params(kLockExternalId, video.tenant(), external_id);
    const pqxx::result holder = tx.exec_params(kHolderOfExternalId, video.tenant(), external_id, video.video_id());
    if (!holder.empty()) {
      return WithDetail(AlreadyExists("external_id: video " + std::string(holder[0]["video_id"].c_str()) + " has it"),
                        {.field = std::string(kExternalIdKey)});
    }
  }
  tx.exec_params(kSetExternalId, video.video_id(), external_id);
  return absl::OkStatus();
}

void Warn(pqxx::transaction_base& tx, const std::string& video_id, std::string_view about, const std::string& text) {
  tx.exec_params(kWarn, video_id, std::string(about), text);
}

void TouchVideo(pqxx::transaction_base& tx, const std::string& video_id) { tx.exec_params(kTouch, video_id); }

Status FailOpenRenditions(pqxx::transaction_base& tx, const std::string& video_id, v1::RenditionState to) {
  std::vector<RenditionRow> rows = LoadRenditionRows(tx, {video_id});
  for (RenditionRow& row : rows) {
    if (!IsFinal(row.rendition.state())) VORA_RETURN_IF_ERROR(MoveRendition(tx, row, to).status());
  }
  return absl::OkStatus();
}

Status RefreshVideo(pqxx::transaction_base& tx, VideoRow& row, Progress progress) {
  std::vector<RenditionView> views;
  for (const RenditionRow& rendition : LoadRenditionRows(tx, {row.video.video_id()})) views.push_back(ViewOf(rendition));
  int percent = VideoPercent(views);
  if (row.video.state() == v1::VIDEO_STATE_READY) {
    percent = 100;
  } else if (IsFinal(row.video.state())) {
    // FAILED and CANCELLED keep what was reached.
    percent = row.video.progress_percent();
  } else if (progress == Progress::kMonotonic) {
    percent = std::max(percent, row.video.progress_percent());
  }
  const bool playable = tx.exec_params1(kPlayable, row.video.video_id())["playable"].as<bool>();
  if (playable && row.video.state() == v1::VIDEO_STATE_PROCESSING) {
    VORA_RETURN_IF_ERROR(MoveVideo(tx, row, v1::VIDEO_STATE_PARTIALLY_READY).status());
  }
  tx.exec_params(kRefresh, row.video.video_id(), percent, playable);
  row.video.set_progress_percent(percent);
  row.video.set_playable(playable);
  return absl::OkStatus();
}

}  // namespace vora::metadata
