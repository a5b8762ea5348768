#pragma once

// ISO base media file format boxes, big-endian, sizes filled in when a box closes.

#include <cstdint>
#include <string>
#include <string_view>

namespace vora::media {

class BoxWriter {
 public:
  explicit BoxWriter(std::string* out) : out_(out) {}
  void U8(uint32_t v) { out_->push_back(static_cast<char>(v & 0xff)); }
  void U16(uint32_t v) { U8(v >> 8), U8(v); }
  void U24(uint32_t v) { U8(v >> 16), U16(v); }
  void U32(uint32_t v) { U16(v >> 16), U16(v); }
  void U64(uint64_t v) { U32(static_cast<uint32_t>(v >> 32)), U32(static_cast<uint32_t>(v)); }
  void Zeros(size_t count) { out_->append(count, '\0'); }
  void Bytes(std::string_view bytes) { out_->append(bytes.data(), bytes.size()); }
  size_t position() const { return out_->size(); }
  void Patch32(size_t at, uint32_t v) {
    for (int i = 0; i < 4; ++i) (*out_)[at + static_cast<size_t>(i)] = static_cast<char>((v >> (24 - 8 * i)) & 0xff);
  }

 private:
  std::string* out_;
};

// Opens a box; its size is written when this goes out of scope.
class Box {
 public:
  Box(BoxWriter& w, std::string_view type) : w_(w), start_(w.position()) {
    w.U32(0);
    w.Bytes(type);
  }
  // A full box (ISO/IEC 14496-12 section 4.2).
  Box(BoxWriter& w, std::string_view type, uint32_t version, uint32_t flags) : Box(w, type) {
    w.U8(version);
    w.U24(flags);
  }
  ~Box() { w_.Patch32(start_, static_cast<uint32_t>(w_.position() - start_)); }
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;
  size_t start() const { return start_; }

 private:
  BoxWriter& w_;
  size_t start_;
};

inline constexpr uint32_t kUndeterminedLanguage = 0x55c4;  // "und", ISO/IEC 14496-12 section 8.4.2

// 16.16 fixed point, the last column 2.30 (ISO/IEC 14496-12 section 8.2.2).
inline void WriteUnityMatrix(BoxWriter& w) {
  for (const uint32_t v : {0x10000u, 0u, 0u, 0u, 0x10000u, 0u, 0u, 0u, 0x40000000u}) w.U32(v);
}

// mvhd. `duration` in the timescale; 0: told by the fragments.
inline void WriteMovieHeader(BoxWriter& w, uint32_t timescale, uint32_t duration, uint32_t next_track) {
  Box mvhd(w, "mvhd", 0, 0);
  w.Zeros(8);
  w.U32(timescale);
  w.U32(duration);
  w.U32(0x10000);
  w.U16(0x100);
  w.Zeros(10);
  WriteUnityMatrix(w);
  w.Zeros(24);
  w.U32(next_track);
}

}  // namespace vora::media
