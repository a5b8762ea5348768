#include <algorithm>
#include <cstdio>

#include "libs/media/cmaf/box_writer_internal.h"
#include "libs/media/cmaf/fmp4.h"

namespace vora::media {
namespace {

void Ftyp(BoxWriter& w) {
  Box ftyp(w, "ftyp");
  w.Bytes("iso6");
  w.U32(0);
  // cmfc is CMAF's structural brand (ISO/IEC 23000-19); iso6 is for readers that do not know it.
  w.Bytes("iso6cmfcmp41");
}

void Tkhd(BoxWriter& w, bool video, int width, int height) {
  // 7: enabled, in the movie, in the preview.
  Box tkhd(w, "tkhd", 0, 7);
  w.Zeros(8);
  w.U32(1);
  w.Zeros(8);
  w.Zeros(8);
  w.U16(0);
  w.U16(0);
  w.U16(video ? 0 : 0x100);
  w.U16(0);
  WriteUnityMatrix(w);
  w.U32(static_cast<uint32_t>(width) << 16);
  w.U32(static_cast<uint32_t>(height) << 16);
}

void Mdhd(BoxWriter& w, uint32_t timescale) {
  Box mdhd(w, "mdhd", 0, 0);
  w.Zeros(8);
  w.U32(timescale);
  w.U32(0);
  w.U16(kUndeterminedLanguage);
  w.U16(0);
}

void Hdlr(BoxWriter& w, bool video) {
  Box hdlr(w, "hdlr", 0, 0);
  w.U32(0);
  w.Bytes(video ? "vide" : "soun");
  w.Zeros(12);
  w.Bytes(video ? std::string_view("VideoHandler\0", 13) : std::string_view("SoundHandler\0", 13));
}

void MediaHeader(BoxWriter& w, bool video) {
  if (video) {
    Box vmhd(w, "vmhd", 0, 1);
    w.Zeros(8);
  } else {
    Box smhd(w, "smhd", 0, 0);
    w.Zeros(4);
  }
  Box dinf(w, "dinf");
  Box dref(w, "dref", 0, 0);
  w.U32(1);
  // 1: the media is in this file.
  Box url(w, "url ", 0, 1);
}

// Empty, yet mandatory: the samples are listed by the fragments.
void EmptyTables(BoxWriter& w) {
  for (const char* type : {"stts", "stsc"}) {
    Box table(w, type, 0, 0);
    w.U32(0);
  }
  {
    Box stsz(w, "stsz", 0, 0);
    w.Zeros(8);
  }
  Box stco(w, "stco", 0, 0);
  w.U32(0);
}

void Mvex(BoxWriter& w) {
  Box mvex(w, "mvex");
  Box trex(w, "trex", 0, 0);
  w.U32(1);
  w.U32(1);
  w.Zeros(12);
}

void AvcC(BoxWriter& w, const VideoTrackHeader& track) {
  Box avcc(w, "avcC");
  w.U8(1);
  w.Bytes(std::string_view(track.sps).substr(1, 3));
  // With reserved bits set: NAL units have lengths of four bytes, and there is one SPS.
  w.U8(0xff);
  w.U8(0xe1);
  w.U16(static_cast<uint32_t>(track.sps.size()));
  w.Bytes(track.sps);
  w.U8(1);
  w.U16(static_cast<uint32_t>(track.pps.size()));
  w.Bytes(track.pps);
  // ISO/IEC 14496-15 section 5.3.3.1.2: High profiles add the sample format (4:2:0, 8 bits, no SPS extensions).
  if (track.sps.size() > 1 && static_cast<uint8_t>(track.sps[1]) >= 100) {
    w.U8(0xfd);
    w.U8(0xf8);
    w.U8(0xf8);
    w.U8(0);
  }
}

void Avc1(BoxWriter& w, const VideoTrackHeader& track) {
  Box avc1(w, "avc1");
  w.Zeros(6);
  w.U16(1);
  w.Zeros(16);
  w.U16(static_cast<uint32_t>(track.width));
  w.U16(static_cast<uint32_t>(track.height));
  w.U32(0x480000);
  w.U32(0x480000);
  w.U32(0);
  w.U16(1);
  w.Zeros(32);
  w.U16(0x18);
  w.U16(0xffff);
  AvcC(w, track);
  {
    Box pasp(w, "pasp");
    w.U32(1);
    w.U32(1);
  }
  Box colr(w, "colr");
  w.Bytes("nclx");
  w.U16(static_cast<uint32_t>(track.color.primaries));
  w.U16(static_cast<uint32_t>(track.color.transfer));
  w.U16(static_cast<uint32_t>(track.color.matrix));
  w.U8(0);
}

// ISO/IEC 14496-14 section 5.6: ES_Descriptor with AAC's DecoderSpecificInfo.
void Esds(BoxWriter& w, const AudioTrackHeader& track) {
  const uint32_t config = static_cast<uint32_t>(track.specific_config.size());
  Box esds(w, "esds", 0, 0);
  w.U8(3);
  // Sizes of descriptors in one byte, which holds up to 127; an AAC configuration has a few bytes.
  w.U8(3 + 2 + 13 + 2 + config + 3);
  w.U16(1);
  w.U8(0);
  w.U8(4);
  w.U8(13 + 2 + config);
  // 0x40 is MPEG-4 audio, 0x15 an audio stream (ISO/IEC 14496-1 section 7.2.6.6).
  w.U8(0x40);
  w.U8(0x15);
  w.U24(0);
  w.U32(static_cast<uint32_t>(track.bitrate));
  w.U32(static_cast<uint32_t>(track.bitrate));
  w.U8(5);
  w.U8(config);
  w.Bytes(track.specific_config);
  w.U8(6);
  w.U8(1);
  w.U8(2);
}

void Mp4a(BoxWriter& w, const AudioTrackHeader& track) {
  Box mp4a(w, "mp4a");
  w.Zeros(6);
  w.U16(1);
  w.Zeros(8);
  w.U16(static_cast<uint32_t>(track.channels));
  w.U16(16);
  w.Zeros(4);
  w.U32(track.timescale << 16);
  Esds(w, track);
}

// ISO/IEC 14496-12 section 8.6.6: the track's presentation begins at `media_time`.
void Edts(BoxWriter& w, uint32_t media_time) {
  Box edts(w, "edts");
  // The duration 0 stands for the whole presentation, whose fragments are not known yet.
  Box elst(w, "elst", 0, 0);
  w.U32(1);
  w.U32(0);
  w.U32(media_time);
  w.U32(0x10000);
}

template <typename SampleEntry>
void Trak(BoxWriter& w, uint32_t timescale, bool video, int width, int height, uint32_t media_time, const SampleEntry& entry) {
  Box trak(w, "trak");
  Tkhd(w, video, width, height);
  if (media_time > 0) Edts(w, media_time);
  Box mdia(w, "mdia");
  Mdhd(w, timescale);
  Hdlr(w, video);
  Box minf(w, "minf");
  MediaHeader(w, video);
  Box stbl(w, "stbl");
  {
    Box stsd(w, "stsd", 0, 0);
    w.U32(1);
    entry(w);
  }
  EmptyTables(w);
}

template <typename SampleEntry>
std::string Init(uint32_t timescale, bool video, int width, int height, uint32_t media_time, const SampleEntry& entry) {
  std::string out;
  BoxWriter w(&out);
  Ftyp(w);
  {
    Box moov(w, "moov");
    WriteMovieHeader(w, timescale, 0, 2);
    Trak(w, timescale, video, width, height, media_time, entry);
    Mvex(w);
  }
  return out;
}

}  // namespace

std::string VideoInitSegment(const VideoTrackHeader& track) {
  return Init(track.timescale, true, track.width, track.height, track.reorder_frames * track.sample_duration,
              [&](BoxWriter& w) { Avc1(w, track); });
}

std::string AudioInitSegment(const AudioTrackHeader& track) {
  return Init(track.timescale, false, 0, 0, 0, [&](BoxWriter& w) { Mp4a(w, track); });
}

std::string AvcCodecs(std::string_view sps) {
  if (sps.size() < 4) return {};
  char text[16];
  std::snprintf(text, sizeof text, "avc1.%02x%02x%02x", static_cast<uint8_t>(sps[1]), static_cast<uint8_t>(sps[2]),
                static_cast<uint8_t>(sps[3]));
  return text;
}

std::string CodecsOfInit(std::string_view init) {
  const size_t avcc = init.find("avcC");
  // After the type: version, then profile, constraints and level, as in the SPS after its first byte.
  if (avcc != std::string_view::npos && init.size() >= avcc + 8) return AvcCodecs(init.substr(avcc + 4, 4));
  if (init.find("mp4a") != std::string_view::npos) return "mp4a.40.2";
  return {};
}

}  // namespace vora::media
