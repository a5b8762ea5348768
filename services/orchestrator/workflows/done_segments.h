#pragma once

// Which segments of each track exist: those of an earlier run, and those encoded since. Pure.

#include <map>
#include <string>

#include "vora/workflow/v1/process_video.pb.h"

namespace vora::workflows {

class DoneSegments {
 public:
  explicit DoneSegments(const google::protobuf::RepeatedPtrField<media::v1::TrackSegments>& done);
  void Add(const media::v1::TrackSegments& segments);
  // True when all of [first, first + count) of the track exist.
  bool Has(const std::string& track, int first, int count) const;
  // All segments of the track, in order of index.
  media::v1::TrackSegments Of(const std::string& track) const;

 private:
  struct Track {
    std::string codecs;
    std::map<int, media::v1::SegmentInfo> segments;
  };
  std::map<std::string, Track> tracks_;
};

}  // namespace vora::workflows
