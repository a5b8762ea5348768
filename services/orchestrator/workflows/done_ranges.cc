#include "services/orchestrator/workflows/done_ranges.h"

#include <algorithm>
#include <iterator>

namespace vora::workflows {

DoneRanges::DoneRanges(const google::protobuf::RepeatedPtrField<media::v1::TrackRanges>& done) {
  for (const auto& track : done) {
    for (const auto& range : track.ranges()) Add(track.track(), range.first(), range.count());
  }
}

void DoneRanges::Add(const std::string& track, int first, int count) {
  if (count <= 0) return;
  auto& ranges = tracks_[track];
  int end = first + count;
  auto next = ranges.upper_bound(first);
  if (next != ranges.begin() && std::prev(next)->second >= first) {
    --next;
    first = next->first;
  }
  while (next != ranges.end() && next->first <= end) {
    end = std::max(end, next->second);
    next = ranges.erase(next);
  }
  ranges[first] = end;
}

bool DoneRanges::Has(const std::string& name, int first, int count) const {
  const auto track = tracks_.find(name);
  if (track == tracks_.end()) return false;
  const auto next = track->second.upper_bound(first);
  return next != track->second.begin() && std::prev(next)->second >= first + count;
}

}  // namespace vora::workflows
