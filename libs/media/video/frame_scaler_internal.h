#pragma once

// Any decoded picture to planar 4:2:0, 8 bits, limited range, at a given size. The colour matrix is kept; RGB becomes BT.709. A picture of
// another shape than the size is for stands in the middle, between black bars.

#include "libs/core/status.h"
#include "libs/media/base/av_internal.h"
#include "libs/media/base/frame_layout.h"

namespace vora::media {

// `color` with unknown parts as players guess them from the height, and RGB's matrix replaced.
VideoColor EncodedColor(const VideoColor& color, int height);

// Of a decoded picture. Its pixels need not be square.
struct PictureShape {
  int width = 0;
  int height = 0;
  AVRational pixel = {0, 1};  // 0: it does not say
  double stretch = 1;         // how much wider the container wants pixels to be than the pictures say
};

class FrameScaler {
 public:
  // Pictures of shape `usual` fill the size, whatever a container says of their pixels.
  FrameScaler(int width, int height, const VideoColor& color, const PictureShape& usual)
      : layout_(width, height), color_(color), usual_(usual) {}
  const FrameLayout& layout() const { return layout_; }
  // `out` has layout().bytes.
  Status Scale(const AVFrame& frame, uint8_t* out);

 private:
  Status Configure(const AVFrame& frame);
  void Fit(const AVFrame& frame);
  FrameLayout layout_;
  VideoColor color_;
  PictureShape usual_;
  SwsPtr sws_;
  int from_width_ = 0, from_height_ = 0, from_format_ = -1;
  AVRational from_pixel_ = {0, 1};
  bool from_full_range_ = false;
  bool copy_ = false;
  int left_ = 0, top_ = 0, width_ = 0, height_ = 0;  // where in the size the picture stands
};

}  // namespace vora::media
