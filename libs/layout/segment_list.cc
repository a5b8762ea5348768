#include "libs/layout/segment_list.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include "libs/core/error.h"

namespace vora::layout {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;
using media::v1::SegmentInfo;
using media::v1::TrackSegments;

constexpr char kBroken[] = "is no list of segments";

class DeltaWriter {
 public:
  explicit DeltaWriter(std::string* text) : stream_(text), coded_(&stream_) {}
  void Add(int64_t value) { coded_.WriteVarint64(WireFormatLite::ZigZagEncode64(value - std::exchange(last_, value))); }

 private:
  google::protobuf::io::StringOutputStream stream_;
  CodedOutputStream coded_;
  int64_t last_ = 0;
};

StatusOr<std::vector<int64_t>> ReadDeltas(const char* field, const std::string& text) {
  CodedInputStream coded(reinterpret_cast<const uint8_t*>(text.data()), static_cast<int>(text.size()));
  std::vector<int64_t> values;
  uint64_t delta = 0;
  int64_t last = 0;
  while (coded.CurrentPosition() < static_cast<int>(text.size())) {
    if (!coded.ReadVarint64(&delta)) return InvalidField(field, kBroken);
    // In unsigned numbers, where a sum that is too large is no fault of the program.
    last = static_cast<int64_t>(static_cast<uint64_t>(last) + static_cast<uint64_t>(WireFormatLite::ZigZagDecode64(delta)));
    if (last < 0) return InvalidField(field, kBroken);
    values.push_back(last);
  }
  return values;
}

}  // namespace

TrackSegments Pack(TrackSegments segments) {
  if (segments.segments().empty()) return segments;
  segments.set_first(segments.segments(0).index());
  {
    DeltaWriter bytes(segments.mutable_packed_bytes()), durations(segments.mutable_packed_durations());
    for (const auto& segment : segments.segments()) {
      bytes.Add(segment.bytes());
      durations.Add(segment.duration());
    }
  }
  segments.clear_segments();
  return segments;
}

StatusOr<std::vector<SegmentInfo>> Unpack(const TrackSegments& segments) {
  if (segments.packed_bytes().empty()) return std::vector<SegmentInfo>(segments.segments().begin(), segments.segments().end());
  VORA_ASSIGN_OR_RETURN(const auto bytes, ReadDeltas("packed_bytes", segments.packed_bytes()));
  VORA_ASSIGN_OR_RETURN(const auto durations, ReadDeltas("packed_durations", segments.packed_durations()));
  if (bytes.size() != durations.size()) return InvalidField("packed_durations", "must be as many as packed_bytes");
  if (segments.first() < 0) return InvalidField("first", "must not be negative");
  std::vector<SegmentInfo> list(bytes.size());
  for (size_t i = 0; i < list.size(); ++i) {
    list[i].set_index(segments.first() + static_cast<int>(i));
    list[i].set_bytes(bytes[i]);
    list[i].set_duration(durations[i]);
  }
  return list;
}

}  // namespace vora::layout
