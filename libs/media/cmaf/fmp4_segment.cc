#include "libs/media/cmaf/box_writer_internal.h"
#include "libs/media/cmaf/fmp4.h"

namespace vora::media {
namespace {

// Sample flags, ISO/IEC 14496-12 section 8.8.3.1.
constexpr uint32_t kSync = 0x02000000;        // depends on no other sample
constexpr uint32_t kNonSync = 0x01010000;     // depends on others, is no sync sample
constexpr uint32_t kDisposable = 0x00800000;  // no other sample depends on it

uint32_t Flags(const Sample& sample) {
  if (sample.sync) return kSync;
  return kNonSync | (sample.disposable ? kDisposable : 0);
}

void Traf(BoxWriter& w, const MediaSegment& segment, size_t* data_offset_at) {
  Box traf(w, "traf");
  {
    // default-base-is-moof, default sample duration and flags
    Box tfhd(w, "tfhd", 0, 0x020028);
    w.U32(1);
    w.U32(segment.sample_duration);
    w.U32(segment.video ? kNonSync : kSync);
  }
  {
    Box tfdt(w, "tfdt", 1, 0);
    w.U64(segment.decode_time);
  }
  // data offset, size; pictures also have flags and composition offsets
  Box trun(w, "trun", 1, segment.video ? 0x000e01 : 0x000201);
  w.U32(static_cast<uint32_t>(segment.samples.size()));
  *data_offset_at = w.position();
  w.U32(0);
  for (const Sample& sample : segment.samples) {
    w.U32(sample.size);
    if (!segment.video) continue;
    w.U32(Flags(sample));
    w.U32(static_cast<uint32_t>(sample.composition_offset));
  }
}

// Parameter sets live in the init segment; delimiters and the encoder's own remarks help nobody.
bool Keep(std::string_view nal) {
  if (nal.empty()) return false;
  const int type = nal[0] & 0x1f;
  const bool user_data = type == 6 && nal.size() > 1 && nal[1] == 5;
  return type != 7 && type != 8 && type != 9 && !user_data;
}

}  // namespace

std::string MediaSegmentBytes(const MediaSegment& segment) {
  std::string out;
  out.reserve(segment.data.size() + segment.samples.size() * 12 + 256);
  BoxWriter w(&out);
  {
    Box styp(w, "styp");
    w.Bytes("msdh");
    w.U32(0);
    w.Bytes("msdhmsixcmfscmff");
  }
  const size_t moof_start = w.position();
  size_t data_offset_at = 0;
  {
    Box moof(w, "moof");
    {
      Box mfhd(w, "mfhd", 0, 0);
      w.U32(static_cast<uint32_t>(segment.index) + 1);
    }
    Traf(w, segment, &data_offset_at);
  }
  // From the first byte of moof to the first of the samples, hence over the 8 bytes of mdat's header.
  w.Patch32(data_offset_at, static_cast<uint32_t>(w.position() - moof_start + 8));
  {
    Box mdat(w, "mdat");
    w.Bytes(segment.data);
  }
  return out;
}

std::vector<std::string_view> SplitAnnexB(std::string_view stream) {
  std::vector<std::string_view> nals;
  constexpr std::string_view kStart("\0\0\1", 3);
  size_t at = stream.find(kStart);
  while (at != std::string_view::npos) {
    const size_t begin = at + kStart.size();
    const size_t next = stream.find(kStart, begin);
    size_t end = next == std::string_view::npos ? stream.size() : next;
    // A start code of four bytes leaves its first zero to the unit before. A NAL unit itself never ends in one (ISO/IEC 14496-10 section
    // 7.4.1).
    while (end > begin && stream[end - 1] == '\0') --end;
    nals.push_back(stream.substr(begin, end - begin));
    at = next;
  }
  return nals;
}

uint32_t AppendLengthPrefixed(std::string_view annex_b, std::string* out) {
  const size_t before = out->size();
  BoxWriter w(out);
  for (const std::string_view nal : SplitAnnexB(annex_b)) {
    if (!Keep(nal)) continue;
    w.U32(static_cast<uint32_t>(nal.size()));
    w.Bytes(nal);
  }
  return static_cast<uint32_t>(out->size() - before);
}

}  // namespace vora::media
