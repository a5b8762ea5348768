#include "services/orchestrator/workflows/done_segments.h"

namespace vora::workflows {

using media::v1::TrackSegments;

DoneSegments::DoneSegments(const google::protobuf::RepeatedPtrField<TrackSegments>& done) {
  for (const auto& segments : done) Add(segments);
}

void DoneSegments::Add(const TrackSegments& segments) {
  Track& track = tracks_[segments.track()];
  // A later report without codecs must not take away what is known.
  if (!segments.codecs().empty()) track.codecs = segments.codecs();
  for (const auto& segment : segments.segments()) track.segments[segment.index()] = segment;
}

bool DoneSegments::Has(const std::string& name, int first, int count) const {
  const auto track = tracks_.find(name);
  if (track == tracks_.end()) return false;
  for (int index = first; index < first + count; ++index) {
    if (!track->second.segments.contains(index)) return false;
  }
  return true;
}

TrackSegments DoneSegments::Of(const std::string& name) const {
  TrackSegments result;
  result.set_track(name);
  const auto track = tracks_.find(name);
  if (track == tracks_.end()) return result;
  result.set_codecs(track->second.codecs);
  for (const auto& [index, segment] : track->second.segments) *result.add_segments() = segment;
  return result;
}

}  // namespace vora::workflows
