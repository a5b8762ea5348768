#include "libs/layout/layout.h"
#include "libs/workflow/definition/payload.h"
#include "services/metadata/rows/encode_rows_internal.h"
#include "services/metadata/rows/outbox_rows_internal.h"

namespace vora::metadata {
namespace {

constexpr char kOpenEncodes[] = "SELECT video_id FROM open_encodes WHERE encode_of = $1 ORDER BY video_id";
constexpr char kEndEncode[] = "UPDATE videos SET deleted_at = now(), dropped_at = now() WHERE video_id = $1";
constexpr char kDropRenditions[] = "DELETE FROM renditions WHERE video_id = $1";
// The segments' rows name a rendition that is there: it is made under the new id before they move.
constexpr char kCopyRenditions[] = R"(
    INSERT INTO renditions (video_id, name, ordinal, kind, state, progress_percent, width, height, frame_rate_num, frame_rate_den,
    sample_rate, channels, language, timescale, segment_seconds, codecs, max_bitrate, bandwidth, average_bandwidth, segments_done,
    segments_total, attempts, retries, failure_code, failure, label, role)
    SELECT $2, name, ordinal, kind, state, progress_percent, width, height, frame_rate_num, frame_rate_den, sample_rate, channels,
    language, timescale, segment_seconds, codecs, max_bitrate, bandwidth, average_bandwidth, segments_done, segments_total, attempts,
    retries, failure_code, failure, label, role FROM renditions WHERE video_id = $1)";
constexpr char kMoveSegments[] = "UPDATE segments SET video_id = $2 WHERE video_id = $1";
// Also the state: nothing is left of what it was that of.
constexpr char kAdopt[] = R"(
    UPDATE videos v SET state = e.state, revision = e.revision, object_prefix = e.object_prefix, ladder = e.ladder, media = e.media, chunks = e.chunks,
    duration_seconds = e.duration_seconds, poster_key = e.poster_key, storyboard_key = e.storyboard_key, parts = e.parts,
    captions = e.captions, part_warnings = e.part_warnings || CASE WHEN v.part_warnings->'external_id' IS NULL THEN '{}'::jsonb
    ELSE jsonb_build_object('external_id', v.part_warnings->'external_id') END, failure_code = '', failure = '', ready_at = now()
    FROM videos e WHERE v.video_id = $2 AND e.video_id = $1)";
constexpr char kKeepReplaced[] = R"(
    UPDATE videos SET replaced_objects = $2::jsonb, drop_at = now() + $3 * interval '1 millisecond' WHERE video_id = $1)";

// What players had. The first encode lies in the folder in which the folders of the later ones are.
workflow::v1::DeleteVideoInput ObjectsOf(const VideoRow& row, const std::vector<RenditionRow>& renditions) {
  workflow::v1::DeleteVideoInput objects;
  if (!layout::RevisionFolder(row.video.video_id(), row.object_prefix).empty()) return AllOf(row);
  for (const auto& rendition : renditions) objects.add_prefixes(layout::InTrack(row.object_prefix, rendition.rendition.name(), ""));
  for (const auto& caption : row.captions) objects.add_prefixes(layout::InTrack(row.object_prefix, caption.track(), ""));
  objects.add_folders(row.object_prefix + "/");
  return objects;
}

}  // namespace

workflow::v1::DeleteVideoInput AllOf(const VideoRow& encode) {
  workflow::v1::DeleteVideoInput objects;
  objects.add_prefixes(encode.object_prefix + "/");
  return objects;
}

std::string MissingOf(pqxx::transaction_base& tx, const VideoRow& encode) {
  const auto video = LoadVideoRow(tx, encode.encode_of, Lock::kNone);
  if (!video) return "";
  if (!video->captions.empty() && encode.captions.empty()) return "the captions";
  if (!video->poster_key.empty() && encode.poster_key.empty()) return "the poster";
  for (const auto& [name, key] : video->parts) {
    if (name != kMp4Part && !encode.parts.contains(name)) return "the " + name;
  }
  // Whether there is to be one is the ladder's to say, not that of before.
  return encode.wants_mp4 && !encode.parts.contains(kMp4Part) ? "the mp4 file" : "";
}

bool HasOpenEncode(pqxx::transaction_base& tx, const std::string& video_id) { return !tx.exec_params(kOpenEncodes, video_id).empty(); }

Status AdoptEncode(pqxx::transaction_base& tx, const VideoRow& encode, std::chrono::milliseconds grace) {
  const std::string& from = encode.video.video_id();
  auto video = LoadVideoRow(tx, encode.encode_of, Lock::kForUpdate);
  if (!video || video->deleted) {
    AddDelete(tx, encode, AllOf(encode));
    tx.exec_params(kEndEncode, from);
    return absl::OkStatus();
  }
  // A day in segments of a second is some hundred thousand rows.
  tx.exec("SET LOCAL statement_timeout = '300s'");
  const std::string& to = video->video.video_id();
  const std::string replaced = workflow::ToPayload(ObjectsOf(*video, LoadRenditionRows(tx, {to})));
  tx.exec_params(kDropRenditions, to);
  tx.exec_params(kCopyRenditions, from, to);
  tx.exec_params(kMoveSegments, from, to);
  tx.exec_params(kDropRenditions, from);
  tx.exec_params(kAdopt, from, to);
  tx.exec_params(kKeepReplaced, from, replaced, static_cast<int64_t>(grace.count()));
  video->video.set_state(encode.video.state());
  return RefreshVideo(tx, *video, Progress::kRestart);
}

void EndEncodes(pqxx::transaction_base& tx, const std::string& video_id) {
  for (const auto& open : tx.exec_params(kOpenEncodes, video_id)) {
    const auto encode = LoadVideoRow(tx, open[0].c_str(), Lock::kForUpdate);
    (void)WithdrawStarts(tx, encode->video.video_id());
    // In this order, so that nothing is written any more when it is deleted.
    AddCancel(tx, *encode);
    AddDelete(tx, *encode, AllOf(*encode));
    tx.exec_params(kEndEncode, encode->video.video_id());
  }
}

}  // namespace vora::metadata
