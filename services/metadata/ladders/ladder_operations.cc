#include "services/metadata/ladders/ladder_operations.h"

#include <cmath>
#include <utility>

#include "libs/core/error.h"
#include "libs/ladder/device_warnings.h"
#include "libs/ladder/ladder.h"
#include "libs/layout/track_kind.h"

namespace vora::metadata {
namespace {

constexpr int kSmallestSide = 16, kLargestSide = 16384;
constexpr double kUsualFrameRate = 30, kMostFrames = 60;  // of the grid; see VideoStream
constexpr double kUsualSeconds = 600, kMostSeconds = 7 * 86400.0;

v1::StoredLadder WithWarnings(v1::StoredLadder stored) {
  for (auto& warning : ladder::DeviceWarnings(stored.ladder())) stored.add_warnings(std::move(warning));
  return stored;
}

StatusOr<v1::StoredLadder> WithWarnings(StatusOr<v1::StoredLadder> stored) {
  if (stored.ok()) return WithWarnings(*std::move(stored));
  return stored;
}

// A mistake in the ladder of a request, by its place there.
Status Within(const char* field, const Status& status) {
  if (status.ok()) return status;
  ErrorDetail detail = DetailOf(status);
  detail.field = std::string(field) + "." + detail.field;
  return WithDetail(Status(status.code(), std::string(field) + "." + Message(status)), detail);
}

StatusOr<media::v1::MediaInfo> Imagined(const v1::PreviewSource& source) {
  for (const auto& [field, side] : {std::pair{"source.width", source.width()}, {"source.height", source.height()}}) {
    if (side < kSmallestSide || side > kLargestSide) return InvalidField(field, "must be 16 to 16384, not " + std::to_string(side));
  }
  const double rate = source.frame_rate() == 0 ? kUsualFrameRate : source.frame_rate();
  if (!(rate >= 1 && rate <= kMostFrames)) return InvalidField("source.frame_rate", "must be 1 to 60");
  const double seconds = source.duration_seconds() == 0 ? kUsualSeconds : source.duration_seconds();
  if (!(seconds > 0 && seconds <= kMostSeconds)) return InvalidField("source.duration_seconds", "must be more than 0, and at most a week");
  media::v1::MediaInfo media;
  auto& video = *media.mutable_video();
  video.set_width(source.width());
  video.set_height(source.height());
  video.set_frame_rate_num(static_cast<int>(std::lround(rate * 1000)));
  video.set_frame_rate_den(1000);
  video.set_frames(std::max<int64_t>(1, std::llround(seconds * rate)));
  media.set_duration_seconds(seconds);
  if (!source.silent()) media.add_audio();
  return media;
}

v1::PreviewTrack Show(const media::v1::TrackPlan& plan, double seconds) {
  v1::PreviewTrack track;
  track.set_name(plan.name());
  track.set_kind(plan.kind());
  track.set_width(plan.width());
  track.set_height(plan.height());
  if (plan.frame_rate_den() > 0) track.set_frame_rate(static_cast<double>(plan.frame_rate_num()) / plan.frame_rate_den());
  track.set_codecs(plan.codecs());
  track.set_max_bitrate(plan.has_rung() ? plan.rung().max_bitrate() : plan.audio().bitrate());
  track.set_segments(plan.segments_total());
  track.set_max_bytes(std::llround(static_cast<double>(track.max_bitrate()) / 8 * seconds));
  return track;
}

// Of the largest rendition and the sound.
int64_t Mp4Bytes(const v1::LadderPreview& preview) {
  int64_t picture = 0, sound = 0;
  for (const auto& track : preview.tracks()) {
    if (layout::TrackKindOf(track.kind()).is_video) {
      picture = track.max_bytes();
    } else {
      sound += track.max_bytes();
    }
  }
  return picture + sound;
}

}  // namespace

StatusOr<v1::ListLaddersResponse> LadderOperations::List(const std::string& tenant) {
  VORA_ASSIGN_OR_RETURN(auto ladders, ladders_.List(tenant));
  v1::ListLaddersResponse response;
  for (auto& stored : ladders) *response.add_ladders() = WithWarnings(std::move(stored));
  return response;
}

StatusOr<v1::StoredLadder> LadderOperations::Get(const std::string& tenant, const v1::GetLadderRequest& request) {
  if (request.version() < 0) return InvalidField("version", "must be a number from 1, not " + std::to_string(request.version()));
  return WithWarnings(ladders_.Get(tenant, request.name(), request.version()));
}

StatusOr<PutLadder> LadderOperations::Put(const std::string& tenant, media::v1::Ladder ladder) {
  ladder::FillDefaults(ladder);
  VORA_RETURN_IF_ERROR(ladder::ValidateLadder(ladder));
  if (ladder.version() < 0) return InvalidField("version", "must be the version that is changed, or not be given");
  VORA_ASSIGN_OR_RETURN(PutLadder put, ladders_.Put(tenant, ladder));
  put.ladder = WithWarnings(std::move(put.ladder));
  return put;
}

StatusOr<v1::StoredLadder> LadderOperations::SetDefault(const std::string& tenant, const std::string& name) {
  return WithWarnings(ladders_.SetDefault(tenant, name));
}

StatusOr<v1::LadderPreview> LadderOperations::Preview(const std::string& tenant, const v1::PreviewLadderRequest& request) {
  if (request.name().empty() != request.has_ladder()) return InvalidField("ladder", "give either name or ladder");
  if (request.video_id().empty() != request.has_source()) return InvalidField("source", "give either video_id or source");
  media::v1::Ladder ladder = request.ladder();
  if (request.has_ladder()) {
    ladder::FillDefaults(ladder);
    VORA_RETURN_IF_ERROR(Within("ladder", ladder::ValidateRecipe(ladder)));
  } else {
    VORA_ASSIGN_OR_RETURN(const auto stored, ladders_.Get(tenant, request.name(), 0));
    ladder = stored.ladder();
  }
  auto media = request.has_source() ? Imagined(request.source()) : videos_.MediaOf(tenant, request.video_id());
  VORA_RETURN_IF_ERROR(media.status());
  VORA_ASSIGN_OR_RETURN(const media::v1::Plan plan, ladder::MakePlan(*media, ladder));
  v1::LadderPreview preview;
  for (const auto& track : plan.tracks()) {
    *preview.add_tracks() = Show(track, media->duration_seconds());
    preview.set_max_bytes(preview.max_bytes() + preview.tracks().rbegin()->max_bytes());
  }
  if (ladder.mp4()) preview.set_mp4_max_bytes(Mp4Bytes(preview));
  const int shorter = std::min(media->video().width(), media->video().height());
  for (const auto& rung : ladder.rungs()) {
    if (rung.height() > shorter) preview.add_left_out(rung.name());
  }
  for (auto& warning : ladder::DeviceWarnings(plan)) preview.add_warnings(std::move(warning));
  return preview;
}

}  // namespace vora::metadata
