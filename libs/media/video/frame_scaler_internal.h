#pragma once

// Any decoded picture to planar 4:2:0, 8 bits, limited range, at a given size. The colour matrix is kept; RGB becomes BT.709.

#include "libs/core/status.h"
#include "libs/media/base/av_internal.h"
#include "libs/media/base/frame_layout.h"

namespace vora::media {

// `color` with unknown parts as players guess them from the height, and RGB's matrix replaced.
VideoColor EncodedColor(const VideoColor& color, int height);

class FrameScaler {
 public:
  FrameScaler(int width, int height, const VideoColor& color) : layout_(width, height), color_(color) {}
  const FrameLayout& layout() const { return layout_; }
  // `out` has layout().bytes.
  Status Scale(const AVFrame& frame, uint8_t* out);

 private:
  Status Configure(const AVFrame& frame);
  FrameLayout layout_;
  VideoColor color_;
  SwsPtr sws_;
  int from_width_ = 0, from_height_ = 0, from_format_ = -1;
  bool from_full_range_ = false;
  bool copy_ = false;
};

}  // namespace vora::media
