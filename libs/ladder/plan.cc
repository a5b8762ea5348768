#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <vector>

#include "libs/core/error.h"
#include "libs/ladder/h264_level.h"
#include "libs/ladder/ladder.h"
#include "libs/layout/layout.h"
#include "libs/layout/track_kind.h"

namespace vora::ladder {
namespace {

using media::v1::ChunkPlan;
using media::v1::Ladder;
using media::v1::MediaInfo;
using media::v1::Plan;
using media::v1::Rung;
using media::v1::TrackPlan;
using media::v1::VideoStream;

// Of a track: the list of its segments travels in one workflow payload (1 MiB), packed. More than a day of the shortest ones.
constexpr int kMaxSegments = 100'000;
// The plan travels in one payload too. Where they would be more, they are longer.
constexpr int kMaxChunks = 16'000;

constexpr int kMaxSounds = 8;
constexpr int kMinSide = 16;  // both sides; smaller pictures cannot be encoded sensibly

// The frames of the grid that all renditions share.
struct Grid {
  double fps;
  int frames_per_gop;
  int frames_per_segment;
  double segment_seconds;  // exact
  int segments;
};

int EvenAtLeastTwo(double value) { return std::max(2, 2 * static_cast<int>(std::lround(value / 2))); }

std::vector<Rung> ChooseRungs(const Ladder& ladder, int shorter) {
  std::vector<Rung> rungs;
  if (ladder.rungs().empty()) return rungs;
  for (const Rung& rung : ladder.rungs()) {
    if (rung.height() <= shorter) rungs.push_back(rung);
  }
  // A source smaller than every rung is not enlarged: the first rung's settings at the source's own size, even, as 4:2:0 needs it.
  if (rungs.empty()) {
    Rung rung = ladder.rungs(0);
    rung.set_height(shorter / 2 * 2);
    rung.set_name(std::to_string(rung.height()) + "p");
    rungs.push_back(std::move(rung));
  }
  return rungs;
}

Grid MakeGrid(const VideoStream& video, const Ladder& ladder) {
  Grid grid{};
  grid.fps = static_cast<double>(video.frame_rate_num()) / video.frame_rate_den();
  // Whole frames, and segments of whole GOPs: every rendition has its IDR frames at the same places, so that players may switch at any
  // segment.
  grid.frames_per_gop = std::max(1, static_cast<int>(std::lround(ladder.gop_seconds() * grid.fps)));
  grid.frames_per_segment = grid.frames_per_gop * static_cast<int>(std::lround(ladder.segment_seconds() / ladder.gop_seconds()));
  grid.segment_seconds = static_cast<double>(grid.frames_per_segment) * video.frame_rate_den() / video.frame_rate_num();
  grid.segments = static_cast<int>((video.frames() + grid.frames_per_segment - 1) / grid.frames_per_segment);
  return grid;
}

TrackPlan VideoTrack(const VideoStream& video, const Rung& rung, const Grid& grid) {
  TrackPlan track;
  track.set_name(rung.name());
  track.set_kind(std::string(layout::kVideoTrack.name));
  *track.mutable_rung() = rung;
  // A rung's height is that of the shorter side, so that a portrait video gets the same quality as a landscape one.
  const bool portrait = video.height() > video.width();
  const int shorter = portrait ? video.width() : video.height();
  const int longer = portrait ? video.height() : video.width();
  const int small = EvenAtLeastTwo(rung.height());
  const int large = EvenAtLeastTwo(static_cast<double>(longer) * small / shorter);
  track.set_width(portrait ? small : large);
  track.set_height(portrait ? large : small);
  track.set_frame_rate_num(video.frame_rate_num());
  track.set_frame_rate_den(video.frame_rate_den());
  // A frame then lasts frame_rate_den units, a whole number: times stay exact however long the video is.
  track.set_timescale(video.frame_rate_num());
  track.set_segments_total(grid.segments);
  track.set_frames_per_segment(grid.frames_per_segment);
  track.set_frames_per_gop(grid.frames_per_gop);
  track.set_frames_total(video.frames());
  track.set_source_stream_index(video.stream_index());
  track.set_segment_seconds(grid.segment_seconds);
  track.set_codecs(H264Codecs(track.width(), track.height(), grid.fps, rung.max_bitrate(), rung.profile()));
  return track;
}

TrackPlan AudioTrack(const MediaInfo& media, int number, const Ladder& ladder, const Grid& grid) {
  const auto& audio = media.audio(number);
  TrackPlan track;
  track.set_name(layout::kAudioTrackPrefix + std::to_string(number));
  track.set_language(audio.language());
  track.set_label(audio.name());
  track.set_role(audio.role());
  track.set_kind(std::string(layout::kAudioTrack.name));
  *track.mutable_audio() = ladder.audio();
  track.set_timescale(ladder.audio().sample_rate());
  // A shade less, so that a length which rounding made a hair longer gets no empty segment.
  track.set_segments_total(std::max(1, static_cast<int>(std::ceil(media.duration_seconds() / grid.segment_seconds - 1e-6))));
  track.set_source_stream_index(audio.stream_index());
  track.set_segment_seconds(grid.segment_seconds);
  track.set_codecs("mp4a.40.2");
  return track;
}

Status CheckMedia(const MediaInfo& media, const Ladder& ladder) {
  if (ladder.rungs().empty() && media.audio().empty()) {
    return MakeError(errors::kMediaNoAudio, "the file has no sound, and the ladder " + ladder.name() + " makes nothing else");
  }
  if (!media.has_video()) return MakeError(errors::kMediaNoVideo, "the file has no video track");
  const VideoStream& video = media.video();
  if (video.width() < kMinSide || video.height() < kMinSide) {
    return MakeError(errors::kMediaBadDimensions, "the picture is " + std::to_string(video.width()) + "x" + std::to_string(video.height()) +
                                                      ", at least " + std::to_string(kMinSide) + " pixels are needed each way");
  }
  if (video.frame_rate_num() <= 0 || video.frame_rate_den() <= 0) {
    return MakeError(errors::kMediaNoFrameRate, "the video track has no usable frame rate");
  }
  if (video.frames() <= 0) return MakeError(errors::kMediaNoFrames, "the video track has no frames");
  return {};
}

}  // namespace

StatusOr<Plan> MakePlan(const MediaInfo& media, const Ladder& ladder, AudioTracks audio) {
  VORA_RETURN_IF_ERROR(ValidateRecipe(ladder));
  VORA_RETURN_IF_ERROR(CheckMedia(media, ladder));
  const VideoStream& video = media.video();
  const Grid grid = MakeGrid(video, ladder);
  Plan plan;
  for (const Rung& rung : ChooseRungs(ladder, std::min(video.width(), video.height()))) {
    *plan.add_tracks() = VideoTrack(video, rung, grid);
  }
  // What was found out before sounds had names is in the order of the file, and only the first of it is meant.
  const bool all = audio == AudioTracks::kAll && media.audio_size() > 0 && !media.audio(0).name().empty();
  const int heard = std::min(all ? kMaxSounds : 1, media.audio_size());
  for (int i = 0; i < heard; ++i) *plan.add_tracks() = AudioTrack(media, i, ladder, grid);
  if (grid.segments > kMaxSegments) {
    char limit[32];
    std::snprintf(limit, sizeof limit, "%.1f", kMaxSegments * grid.segment_seconds / 3600);
    return MakeError(errors::kMediaTooLong,
                     std::string("the video is longer than ") + limit + " hours, the most that this ladder's segment length allows");
  }
  if (ladder.rungs().empty()) return plan;
  const int per_chunk = std::max(ladder.segments_per_chunk(), (grid.segments + kMaxChunks - 2) / (kMaxChunks - 1));
  for (int first = 0; first < grid.segments;) {
    ChunkPlan* chunk = plan.add_chunks();
    chunk->set_index(plan.chunks_size() - 1);
    chunk->set_first_segment(first);
    // The first is one segment long, so that playback can begin early.
    chunk->set_segment_count(std::min(first == 0 ? 1 : per_chunk, grid.segments - first));
    first += chunk->segment_count();
  }
  return plan;
}

}  // namespace vora::ladder
