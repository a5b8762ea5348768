#include "services/metadata/videos/presentation_repo.h"

#include <map>

#include "libs/core/ids.h"
#include "services/metadata/rows/store.h"
#include "services/metadata/rows/video_rows_internal.h"

namespace vora::metadata {
namespace {

constexpr char kSegmentSeconds[] = "SELECT coalesce((ladder->>'segmentSeconds')::float8, 0) AS seconds FROM videos WHERE video_id = $1";
constexpr char kTracks[] = R"(
    SELECT name, kind, state, codecs, width, height, frame_rate_num, frame_rate_den, sample_rate, channels, language, timescale,
    max_bitrate, segments_total, label, role FROM renditions WHERE video_id = $1 ORDER BY ordinal, name)";
constexpr char kSegments[] = "SELECT rendition, idx, duration, bytes FROM segments WHERE video_id = $1 ORDER BY rendition, idx";

void ReadTrack(const pqxx::row& row, playback::v1::Track* track) {
  track->set_name(row["name"].c_str());
  track->set_kind(row["kind"].c_str());
  track->set_codecs(row["codecs"].c_str());
  track->set_width(row["width"].as<int>());
  track->set_height(row["height"].as<int>());
  track->set_frame_rate_num(row["frame_rate_num"].as<int>());
  track->set_frame_rate_den(row["frame_rate_den"].as<int>());
  track->set_sample_rate(row["sample_rate"].as<int>());
  track->set_channels(row["channels"].as<int>());
  track->set_language(row["language"].c_str());
  track->set_label(row["label"].c_str());
  track->set_role(row["role"].c_str());
  track->set_timescale(row["timescale"].as<int>());
  track->set_max_bitrate(row["max_bitrate"].as<int64_t>());
  track->set_segments_total(row["segments_total"].as<int>());
  track->set_failed(std::string_view(row["state"].c_str()) == "FAILED");
  track->set_complete(std::string_view(row["state"].c_str()) == "DONE");
}

}  // namespace

StatusOr<playback::v1::Presentation> PresentationRepo::Get(const std::string& video_id) {
  if (!IsId(video_id)) return NotFound("no video with this id");
  // One snapshot: a manifest must not name a segment of a track that it calls failed.
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<playback::v1::Presentation> {
    playback::v1::Presentation presentation;
    tx.exec("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const auto row = LoadVideoRow(tx, video_id, Lock::kNone);
    if (!IsVisible(row)) return NotFound("no video " + video_id);
    presentation.set_video_id(video_id);
    presentation.set_tenant(row->video.tenant());
    presentation.set_state(std::string(StateName(row->video.state())));
    presentation.set_object_prefix(row->object_prefix);
    presentation.set_duration_seconds(row->video.duration_seconds());
    presentation.set_target_segment_seconds(tx.exec_params1(kSegmentSeconds, video_id)["seconds"].as<double>());
    presentation.set_complete(row->video.state() == v1::VIDEO_STATE_READY);
    presentation.set_failure(row->video.failure());
    presentation.set_version(row->video.version());
    for (const auto& stored : row->captions) {
      auto* caption = presentation.add_captions();
      caption->set_track(stored.track());
      caption->set_language(stored.language());
      caption->set_name(stored.name());
      caption->set_bytes(stored.bytes());
      caption->set_forced(stored.forced());
      caption->set_hearing_impaired(stored.hearing_impaired());
    }
    std::map<std::string, playback::v1::Track*> tracks;
    for (const auto& track : tx.exec_params(kTracks, video_id)) {
      ReadTrack(track, presentation.add_tracks());
    }
    for (auto& track : *presentation.mutable_tracks()) tracks[track.name()] = &track;
    for (const auto& segment : tx.exec_params(kSegments, video_id)) {
      playback::v1::Track* track = tracks[segment["rendition"].c_str()];
      // Segments come in order, so after a gap the count stays behind the index and nothing more is taken.
      if (track == nullptr || segment["idx"].as<int>() != track->segments_size()) continue;
      auto* added = track->add_segments();
      added->set_index(segment["idx"].as<int>());
      added->set_duration(segment["duration"].as<int64_t>());
      added->set_bytes(segment["bytes"].as<int64_t>());
    }
    // The state is DONE only once the playlist is published; players need not wait for that to know the end.
    for (auto& track : *presentation.mutable_tracks()) {
      if (track.segments_total() > 0 && track.segments_size() == track.segments_total()) track.set_complete(true);
    }
    return presentation;
  });
}

}  // namespace vora::metadata
