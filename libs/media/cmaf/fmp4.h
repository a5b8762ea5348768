#pragma once

// CMAF tracks as bytes (ISO/IEC 23000-19, ISO/IEC 14496-12, -14, -15): one init segment, and media segments of one fragment each. Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/media/base/frame_layout.h"

namespace vora::media {

struct VideoTrackHeader {
  uint32_t timescale = 0;
  int width = 0;
  int height = 0;
  uint32_t sample_duration = 0;
  uint32_t reorder_frames = 0;  // B-frame delay: presentation begins that many frames after the first decode time
  VideoColor color;
  std::string sps;  // NAL units without start codes
  std::string pps;
};
// ftyp and moov with one avc1 sample entry (parameter sets out of band). One edit takes the reorder delay out again, so that the picture
// begins at 0 for every reader; composition offsets are never negative.
std::string VideoInitSegment(const VideoTrackHeader& track);
// RFC 6381 section 3.3, e.g. "avc1.640028".
std::string AvcCodecs(std::string_view sps);
// The same, read from an init segment made here (video or audio); empty when it is none.
std::string CodecsOfInit(std::string_view init);

struct AudioTrackHeader {
  uint32_t timescale = 0;  // the sample rate
  int channels = 2;
  int64_t bitrate = 0;
  std::string specific_config;  // AudioSpecificConfig, ISO/IEC 14496-3
};
std::string AudioInitSegment(const AudioTrackHeader& track);

struct Sample {
  uint32_t size = 0;
  int32_t composition_offset = 0;  // presentation minus decode time; may be negative
  bool sync = true;
  bool disposable = false;  // nothing depends on it
};
struct MediaSegment {
  int index = 0;             // sequence number is index + 1
  uint64_t decode_time = 0;  // of the first sample, in the timescale
  uint32_t sample_duration = 0;
  bool video = true;
  std::vector<Sample> samples;
  std::string data;  // the samples, one after the other
};
// styp, moof, mdat.
std::string MediaSegmentBytes(const MediaSegment& segment);

// The NAL units of an Annex B byte stream (ISO/IEC 14496-10 annex B), views into `stream`.
std::vector<std::string_view> SplitAnnexB(std::string_view stream);
// Appends the NAL units with 4-byte lengths, leaving out parameter sets, delimiters and user data; returns the bytes added.
uint32_t AppendLengthPrefixed(std::string_view annex_b, std::string* out);

}  // namespace vora::media
