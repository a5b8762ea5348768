#include <algorithm>

#include "libs/core/error.h"
#include "libs/core/time.h"
#include "libs/layout/track_kind.h"
#include "libs/manifest/manifest.h"
#include "services/streaming-gateway/manifest/manifests.h"
#include "services/streaming-gateway/manifest/presentation.h"

namespace vora::gateway {
namespace {

ManifestAnswer NotPlayableYet(const playback::v1::Presentation& presentation) {
  const std::string message = "the video is not playable yet (state " + presentation.state() + ")";
  return {.status = MakeError(errors::kNotPlayableYet, message, {.retry_after = 1})};
}

ManifestAnswer Ended(const ErrorKind& kind, const std::string& what, const std::string& reason) {
  return {.status = MakeError(kind, reason.empty() ? what : what + ": " + reason)};
}

ManifestAnswer BuildMedia(const playback::v1::Presentation& presentation, const manifest::Presentation& all, const std::string& name) {
  for (const auto& caption : all.captions) {
    if (caption.name == name) return {.text = manifest::HlsCaption(all.duration_seconds), .final = true};
  }
  const auto track = std::find_if(all.tracks.begin(), all.tracks.end(), [&](const auto& t) { return t.name == name; });
  if (track == all.tracks.end()) return {.status = NotFound("no such track")};
  if (track->segments.empty()) return NotPlayableYet(presentation);
  return {.text = manifest::HlsMedia(*track, all.target_segment_seconds), .final = track->complete};
}

}  // namespace

ManifestAnswer BuildManifest(const playback::v1::Presentation& presentation, const layout::DeliveryPath& path, SystemTime now) {
  if (presentation.state() == "FAILED") return Ended(errors::kVideoFailed, "the video could not be processed", presentation.failure());
  if (presentation.state() == "CANCELLED") return Ended(errors::kVideoCancelled, "processing of the video was cancelled", "");
  if (!path.revision.empty() && path.revision != RevisionOf(presentation)) return {.status = NotFound("no such revision")};
  manifest::Presentation all = ToManifest(presentation);
  if (path.kind == layout::ObjectKind::kMediaPlaylist) {
    // A track's playlist lies beside its segments, so another revision's cannot be built from this one.
    if (path.revision != RevisionOf(presentation)) return {.status = NotFound("no such revision")};
    return BuildMedia(presentation, all, path.track);
  }
  // Of pictures that have all failed only the sound is left, and nobody asked for that.
  const auto is_picture = [](const auto& track) { return layout::TrackKindOf(track.kind()).is_video; };
  const bool planned = std::any_of(presentation.tracks().begin(), presentation.tracks().end(), is_picture);
  const bool left = std::any_of(all.tracks.begin(), all.tracks.end(), [](const auto& track) { return track.is_video; });
  if (!manifest::IsPlayable(all) || (planned && !left)) return NotPlayableYet(presentation);
  // Asked for inside the revision's folder, where URIs need no prefix.
  if (!path.revision.empty()) all.path_prefix.clear();
  // One caption file spans the whole video, which players of a growing one would take for its end.
  if (!all.complete) all.captions.clear();
  ManifestAnswer answer{.final = all.complete};
  if (path.kind == layout::ObjectKind::kMaster) {
    answer.text = manifest::HlsMaster(all);
  } else {
    answer.text = manifest::DashMpd(all, AvailabilityStartMs(presentation.video_id(), all.duration_seconds), ToUnixMs(now));
  }
  return answer;
}

}  // namespace vora::gateway
