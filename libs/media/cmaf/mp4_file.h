#pragma once

// One progressive mp4 file (ISO/IEC 14496-12) of finished CMAF tracks as fmp4.h makes them. The samples stay as they are, segment by
// segment; only the tables that name them are made. Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/core/status.h"

namespace vora::media {

// What a sound is called, so that players can offer a choice.
struct Mp4TrackName {
  std::string language;  // BCP 47; empty when unknown
  std::string label;     // for people; may be empty
};

class Mp4Track {
 public:
  // INVALID_ARGUMENT: this is no init segment.
  static StatusOr<Mp4Track> OfInit(std::string_view init, Mp4TrackName name = {});
  // What so many samples in so many segments take in the head at most.
  int64_t HeadBytes(int64_t samples, int64_t segments) const;
  // The track's next segment, by its beginning (all that is before its samples, at least) and its size. Its samples are to lie at `offset`
  // of the file's media data. Gives where in the segment they begin: they are all that follows. INVALID_ARGUMENT: it is no segment, or not
  // the next one.
  StatusOr<int64_t> Add(std::string_view beginning, int64_t segment_bytes, int64_t offset);

 private:
  friend StatusOr<std::string> Mp4Head(const std::vector<Mp4Track>& tracks, int64_t head_bytes, int64_t data_bytes);
  void Write(std::string* out, uint32_t id, bool enabled, int64_t data_offset) const;
  void WriteNames(std::string* out) const;
  bool is_sound() const;
  void WriteTables(std::string* out, int64_t data_offset) const;
  uint64_t Milliseconds() const;

  struct Chunk {
    int64_t offset;
    uint32_t samples;
  };
  using Runs = std::vector<std::pair<uint32_t, uint32_t>>;  // how many, of which value

  Mp4TrackName name_;
  std::string tkhd_, hdlr_, media_header_, dinf_, stsd_;  // boxes as they are in the init segment
  uint32_t timescale_ = 0;
  uint32_t media_time_ = 0;  // of the edit; see VideoTrackHeader.reorder_frames
  uint64_t duration_ = 0;    // in the timescale
  Runs durations_, composition_offsets_;
  std::vector<uint32_t> sizes_;
  std::vector<uint32_t> sync_;  // numbers of samples, from 1
  std::vector<Chunk> chunks_;   // a segment each
};

// ftyp, moov and the header of the media data, of which `data_bytes` follow: `head_bytes` long, the rest of them free space. INTERNAL when
// they do not take as much.
StatusOr<std::string> Mp4Head(const std::vector<Mp4Track>& tracks, int64_t head_bytes, int64_t data_bytes);
// What the head takes besides its tracks.
inline constexpr int64_t kMp4HeadBytes = 512;

}  // namespace vora::media
