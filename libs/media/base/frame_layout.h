#pragma once

// How one picture lies in memory between the decoder and an encoder: planar 4:2:0, 8 bits, planes one after the other, rows padded so that
// scalers may write whole vectors. Pure.

#include <cstddef>
#include <cstdint>

namespace vora::media {

struct FrameLayout {
  FrameLayout(int w, int h)
      : width(w),
        height(h),
        luma_stride(Align(w)),
        chroma_stride(Align((w + 1) / 2)),
        u_offset(static_cast<size_t>(luma_stride) * static_cast<size_t>(h)),
        v_offset(u_offset + static_cast<size_t>(chroma_stride) * static_cast<size_t>((h + 1) / 2)),
        bytes(v_offset + static_cast<size_t>(chroma_stride) * static_cast<size_t>((h + 1) / 2) + 64) {}

  int width, height;
  int luma_stride, chroma_stride;
  size_t u_offset, v_offset;
  size_t bytes;  // with a margin after the last row

 private:
  static int Align(int v) { return (v + 63) / 64 * 64; }
};

// Code points of ISO/IEC 23091-2 (2: unspecified) as the source is tagged; the range is always limited.
struct VideoColor {
  int primaries = 2;
  int transfer = 2;
  int matrix = 2;
};

}  // namespace vora::media
