#pragma once

// Which segments of each track exist, as ranges: a film has tens of thousands, and its run lies in memory. Pure.

#include <map>
#include <string>

#include "vora/media/v1/media.pb.h"

namespace vora::workflows {

class DoneRanges {
 public:
  explicit DoneRanges(const google::protobuf::RepeatedPtrField<media::v1::TrackRanges>& done);
  void Add(const std::string& track, int first, int count);
  // True when all of [first, first + count) of the track exist.
  bool Has(const std::string& track, int first, int count) const;

 private:
  std::map<std::string, std::map<int, int>> tracks_;  // begin and end of each range; they neither touch nor overlap
};

}  // namespace vora::workflows
