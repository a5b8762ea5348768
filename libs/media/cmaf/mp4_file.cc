#include "libs/media/cmaf/mp4_file.h"

#include <algorithm>
#include <utility>

#include "libs/media/cmaf/box_reader_internal.h"
#include "libs/media/cmaf/box_writer_internal.h"

namespace vora::media {
namespace {

constexpr uint32_t kMovieTimescale = 1000;
constexpr uint32_t kNonSyncSample = 0x00010000;  // ISO/IEC 14496-12 section 8.8.3.1
constexpr uint32_t kInMovieOnly = 6;             // flags of tkhd: all but enabled
constexpr size_t kLayerAndGroup = 40;            // in tkhd, two bytes each: layer, alternate group
constexpr size_t kHandlerHead = 4 + 4 + 4 + 12;
constexpr int64_t kMdatHeader = 16;
constexpr int64_t kFreeHeader = 8;
constexpr int64_t kTrackBytes = 512;  // boxes that are alike in every track

// Flags of tfhd and trun, ISO/IEC 14496-12 sections 8.8.7 and 8.8.8.
constexpr uint32_t kBaseDataOffset = 0x1, kSampleDescription = 0x2, kDefaultDuration = 0x8, kDefaultSize = 0x10, kDefaultFlags = 0x20;
constexpr uint32_t kDataOffset = 0x1, kFirstFlags = 0x4, kDuration = 0x100, kSize = 0x200, kFlags = 0x400, kCompositionOffset = 0x800;

void Count(std::vector<std::pair<uint32_t, uint32_t>>& runs, uint32_t value) {
  if (runs.empty() || runs.back().second != value) runs.emplace_back(0, value);
  ++runs.back().first;
}

void WriteRuns(BoxWriter& w, std::string_view type, const std::vector<std::pair<uint32_t, uint32_t>>& runs) {
  Box table(w, type, 0, 0);
  w.U32(static_cast<uint32_t>(runs.size()));
  for (const auto& [count, value] : runs) w.U32(count), w.U32(value);
}

void WriteNumbers(BoxWriter& w, const std::vector<uint32_t>& numbers) {
  w.U32(static_cast<uint32_t>(numbers.size()));
  for (const uint32_t number : numbers) w.U32(number);
}

// The header of a box whose size has 64 bits.
void WriteLargeBox(BoxWriter& w, std::string_view type, int64_t content) {
  w.U32(1);
  w.Bytes(type);
  w.U64(static_cast<uint64_t>(content + kMdatHeader));
}

Status NotInit() { return InvalidArgument("not an init segment"); }
Status NotSegment() { return InvalidArgument("not a media segment"); }

}  // namespace

StatusOr<Mp4Track> Mp4Track::OfInit(std::string_view init, Mp4TrackName name) {
  const std::string_view trak = FindIn(FindBox(init, "moov"), "trak");
  const std::string_view mdia = FindIn(trak, "mdia");
  const std::string_view minf = FindIn(mdia, "minf");
  Mp4Track track;
  track.name_ = std::move(name);
  track.tkhd_ = FindIn(trak, "tkhd");
  track.hdlr_ = FindIn(mdia, "hdlr");
  track.media_header_ = FindIn(minf, "vmhd");
  if (track.media_header_.empty()) track.media_header_ = FindIn(minf, "smhd");
  track.dinf_ = FindIn(minf, "dinf");
  track.stsd_ = FindIn(FindIn(minf, "stbl"), "stsd");
  BoxReader mdhd(FindIn(mdia, "mdhd"));
  mdhd.Skip(8 + 4 + 8);
  track.timescale_ = mdhd.U32();
  if (const std::string_view elst = FindIn(FindIn(trak, "edts"), "elst"); !elst.empty()) {
    BoxReader edit(elst);
    edit.Skip(8 + 4 + 4 + 4);
    track.media_time_ = edit.U32();
    if (!edit.ok()) return NotInit();
  }
  // Version 0, as init segments here have it: so the places that are written anew are known.
  const bool plain = track.tkhd_.size() == 92 && track.tkhd_[8] == 0;
  if (!plain || !mdhd.ok() || track.timescale_ == 0 || track.hdlr_.empty() || track.media_header_.empty() || track.dinf_.empty() ||
      track.stsd_.empty()) {
    return NotInit();
  }
  return track;
}

int64_t Mp4Track::HeadBytes(int64_t samples, int64_t segments) const {
  const auto copied = static_cast<int64_t>(tkhd_.size() + hdlr_.size() + media_header_.size() + dinf_.size() + stsd_.size());
  const auto named = static_cast<int64_t>(name_.language.size() + name_.label.size());
  // Of a picture at most: its size, a composition offset of its own, its number where it is a sync sample; of a sound its size alone. Of a
  // segment a duration of its own, its place and how many samples it has.
  const int64_t per_sample = is_sound() ? 4 : 4 + 8 + 4;
  return kTrackBytes + copied + named + samples * per_sample + segments * (8 + 8 + 12);
}

bool Mp4Track::is_sound() const { return std::string_view(media_header_).substr(4, 4) == "smhd"; }

StatusOr<int64_t> Mp4Track::Add(std::string_view beginning, int64_t segment_bytes, int64_t offset) {
  const std::string_view moof = FindBox(beginning, "moof");
  const std::string_view traf = FindIn(moof, "traf");
  BoxReader tfhd(FindIn(traf, "tfhd")), tfdt(FindIn(traf, "tfdt")), trun(FindIn(traf, "trun"));
  tfhd.Skip(8);
  const uint32_t defaults = tfhd.U32() & 0xffffff;
  tfhd.Skip(4);
  if (defaults & kBaseDataOffset) tfhd.Skip(8);
  if (defaults & kSampleDescription) tfhd.Skip(4);
  const uint32_t usual_duration = defaults & kDefaultDuration ? tfhd.U32() : 0;
  const uint32_t usual_size = defaults & kDefaultSize ? tfhd.U32() : 0;
  const uint32_t usual_flags = defaults & kDefaultFlags ? tfhd.U32() : 0;
  tfdt.Skip(8);
  const bool long_time = tfdt.U32() >> 24 != 0;
  const uint64_t decode_time = long_time ? tfdt.U64() : tfdt.U32();
  trun.Skip(8);
  const uint32_t present = trun.U32() & 0xffffff;
  const uint32_t samples = trun.U32();
  const int64_t data_offset = present & kDataOffset ? trun.U32() : 0;
  if (present & kFirstFlags) trun.Skip(4);
  // A list that is not there, or longer than what holds it, ends here.
  if (!tfhd.ok() || !tfdt.ok() || !trun.ok() || samples > moof.size()) return NotSegment();
  if (decode_time != duration_) {
    return InvalidArgument("the segment begins at " + std::to_string(decode_time) + ", and the one before it ends at " +
                           std::to_string(duration_));
  }
  int64_t bytes = 0;
  for (uint32_t i = 0; i < samples; ++i) {
    const uint32_t duration = present & kDuration ? trun.U32() : usual_duration;
    const uint32_t size = present & kSize ? trun.U32() : usual_size;
    const uint32_t flags = present & kFlags ? trun.U32() : usual_flags;
    Count(composition_offsets_, present & kCompositionOffset ? trun.U32() : 0);
    Count(durations_, duration);
    sizes_.push_back(size);
    if ((flags & kNonSyncSample) == 0) sync_.push_back(static_cast<uint32_t>(sizes_.size()));
    duration_ += duration;
    bytes += size;
  }
  const int64_t begin = moof.data() - beginning.data() + data_offset;
  if (!trun.ok() || begin + bytes != segment_bytes) return NotSegment();
  if (samples > 0) chunks_.push_back({offset, samples});
  return begin;
}

uint64_t Mp4Track::Milliseconds() const { return (duration_ * kMovieTimescale + timescale_ - 1) / std::max(1U, timescale_); }

void Mp4Track::WriteNames(std::string* out) const {
  BoxWriter w(out);
  if (!name_.language.empty()) {
    const Box elng(w, "elng", 0, 0);
    w.Bytes(name_.language);
    w.U8(0);
  }
  if (name_.label.empty()) return w.Bytes(hdlr_);
  const Box hdlr(w, "hdlr");
  w.Bytes(std::string_view(hdlr_).substr(8, kHandlerHead));
  w.Bytes(name_.label);
  w.U8(0);
}

void Mp4Track::Write(std::string* out, uint32_t id, bool enabled, int64_t data_offset) const {
  BoxWriter w(out);
  const Box trak(w, "trak");
  const size_t tkhd = w.position();
  w.Bytes(tkhd_);
  w.Patch32(tkhd + 20, id);
  w.Patch32(tkhd + 28, static_cast<uint32_t>(Milliseconds()));
  if (is_sound()) {
    // Sounds stand for each other: players that knew no group would play all of them at once.
    if (!enabled) w.Patch32(tkhd + 8, kInMovieOnly);
    w.Patch32(tkhd + kLayerAndGroup, 1);
  }
  if (media_time_ > 0) {
    const Box edts(w, "edts");
    const Box elst(w, "elst", 0, 0);
    w.U32(1);
    w.U32(static_cast<uint32_t>(Milliseconds()));
    w.U32(media_time_);
    w.U32(0x10000);
  }
  const Box mdia(w, "mdia");
  {
    const Box mdhd(w, "mdhd", 1, 0);
    w.Zeros(16);
    w.U32(timescale_);
    w.U64(duration_);
    w.U16(kUndeterminedLanguage);
    w.U16(0);
  }
  WriteNames(out);
  const Box minf(w, "minf");
  w.Bytes(media_header_);
  w.Bytes(dinf_);
  const Box stbl(w, "stbl");
  w.Bytes(stsd_);
  WriteTables(out, data_offset);
}

void Mp4Track::WriteTables(std::string* out, int64_t data_offset) const {
  BoxWriter w(out);
  WriteRuns(w, "stts", durations_);
  const bool reordered = composition_offsets_.size() > 1 || (!composition_offsets_.empty() && composition_offsets_[0].second != 0);
  if (reordered) WriteRuns(w, "ctts", composition_offsets_);
  if (sync_.size() < sizes_.size()) {
    const Box stss(w, "stss", 0, 0);
    WriteNumbers(w, sync_);
  }
  {
    const Box stsz(w, "stsz", 0, 0);
    w.U32(0);
    WriteNumbers(w, sizes_);
  }
  {
    const Box stsc(w, "stsc", 0, 0);
    const size_t count_at = w.position();
    uint32_t count = 0;
    w.U32(0);
    for (size_t i = 0; i < chunks_.size(); ++i) {
      if (i > 0 && chunks_[i].samples == chunks_[i - 1].samples) continue;
      w.U32(static_cast<uint32_t>(i) + 1);
      w.U32(chunks_[i].samples);
      w.U32(1);
      ++count;
    }
    w.Patch32(count_at, count);
  }
  const Box co64(w, "co64", 0, 0);
  w.U32(static_cast<uint32_t>(chunks_.size()));
  for (const Chunk& chunk : chunks_) w.U64(static_cast<uint64_t>(data_offset + chunk.offset));
}

StatusOr<std::string> Mp4Head(const std::vector<Mp4Track>& tracks, int64_t head_bytes, int64_t data_bytes) {
  std::string head;
  BoxWriter w(&head);
  {
    const Box ftyp(w, "ftyp");
    w.Bytes("isom");
    w.U32(0x200);
    w.Bytes("isomiso2avc1mp41");
  }
  {
    const Box moov(w, "moov");
    uint64_t longest = 0;
    for (const Mp4Track& track : tracks) longest = std::max(longest, track.Milliseconds());
    WriteMovieHeader(w, kMovieTimescale, static_cast<uint32_t>(longest), static_cast<uint32_t>(tracks.size()) + 1);
    uint32_t id = 0;
    bool heard = false;
    for (const Mp4Track& track : tracks) {
      track.Write(&head, ++id, !heard, head_bytes);
      heard = heard || track.is_sound();
    }
  }
  const int64_t left = head_bytes - static_cast<int64_t>(head.size()) - kMdatHeader;
  if (left < kFreeHeader) {
    return Internal("the head of the file takes " + std::to_string(head.size()) + " bytes, and " + std::to_string(head_bytes) +
                    " were kept for it");
  }
  {
    const Box free(w, "free");
    w.Zeros(static_cast<size_t>(left - kFreeHeader));
  }
  WriteLargeBox(w, "mdat", data_bytes);
  return head;
}

}  // namespace vora::media
