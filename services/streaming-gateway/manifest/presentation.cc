#include "services/streaming-gateway/manifest/presentation.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "libs/layout/layout.h"
#include "libs/layout/track_kind.h"

namespace vora::gateway {
namespace {

manifest::Track ToTrack(const playback::v1::Track& track) {
  manifest::Track out;
  out.name = track.name();
  out.is_video = layout::TrackKindOf(track.kind()).is_video;
  out.codecs = track.codecs();
  out.width = track.width();
  out.height = track.height();
  out.frame_rate_num = track.frame_rate_num();
  out.frame_rate_den = std::max(1, track.frame_rate_den());
  out.sample_rate = track.sample_rate();
  out.channels = track.channels();
  out.language = track.language();
  out.label = track.label();
  out.role = track.role();
  out.timescale = std::max(1, track.timescale());
  out.max_bitrate = track.max_bitrate();
  out.complete = track.complete();
  out.segments.reserve(static_cast<size_t>(track.segments_size()));
  for (const auto& segment : track.segments()) out.segments.push_back({segment.index(), segment.duration(), segment.bytes()});
  return out;
}

}  // namespace

std::string RevisionOf(const playback::v1::Presentation& presentation) {
  return layout::RevisionFolder(presentation.video_id(), presentation.object_prefix());
}

manifest::Presentation ToManifest(const playback::v1::Presentation& presentation) {
  manifest::Presentation out;
  out.path_prefix = RevisionOf(presentation);
  out.duration_seconds = presentation.duration_seconds();
  if (presentation.target_segment_seconds() > 0) out.target_segment_seconds = presentation.target_segment_seconds();
  for (const auto& track : presentation.tracks()) {
    if (!track.failed()) out.tracks.push_back(ToTrack(track));
  }
  for (const auto& caption : presentation.captions()) {
    out.captions.push_back(
        {caption.track(), caption.language(), caption.name(), caption.bytes(), caption.forced(), caption.hearing_impaired()});
  }
  // Of the tracks that are left: a failed one does not keep a video from being whole.
  out.complete = !out.tracks.empty() && std::all_of(out.tracks.begin(), out.tracks.end(), [](const auto& t) { return t.complete; });
  return out;
}

int64_t AvailabilityStartMs(std::string_view video_id, double duration_seconds) {
  int64_t created = 0;
  const std::string_view timestamp = video_id.substr(0, 12);
  std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), created, 16);
  return std::max<int64_t>(0, created - std::llround(duration_seconds * 1000));
}

}  // namespace vora::gateway
