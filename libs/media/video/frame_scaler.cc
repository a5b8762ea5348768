#include "libs/media/video/frame_scaler_internal.h"

#include <algorithm>
#include <cmath>

namespace vora::media {
namespace {

constexpr uint8_t kBlackLuma = 16, kNoChroma = 128;  // limited range
// Sizes of renditions are even, so of small ones the shape is a little off.
constexpr double kSameShape = 0.04;
constexpr double kLeastPixel = 0.1;  // as the probe believes it

// Also of what is no number.
bool Same(AVRational a, AVRational b) { return a.num == b.num && a.den == b.den; }

bool IsFullRange(const AVFrame& frame) {
  switch (frame.format) {
    // FFmpeg's old way to say full range, still given out by some decoders whatever color_range says.
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVJ444P:
    case AV_PIX_FMT_YUVJ440P:
    case AV_PIX_FMT_YUVJ411P:
      return true;
    default:
      return frame.color_range == AVCOL_RANGE_JPEG;
  }
}

bool IsRgb(int format) {
  const AVPixFmtDescriptor* d = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(format));
  return d != nullptr && (d->flags & AV_PIX_FMT_FLAG_RGB) != 0;
}

int SwsMatrix(int matrix) {
  switch (matrix) {
    case AVCOL_SPC_BT709:
      return SWS_CS_ITU709;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return SWS_CS_BT2020;
    case AVCOL_SPC_FCC:
      return SWS_CS_FCC;
    case AVCOL_SPC_SMPTE240M:
      return SWS_CS_SMPTE240M;
    default:
      return SWS_CS_ITU601;
  }
}

}  // namespace

VideoColor EncodedColor(const VideoColor& color, int height) {
  VideoColor out = color;
  // More than 576 lines are HD, which players take for BT.709; below it is BT.601.
  if (out.matrix == AVCOL_SPC_RGB || (out.matrix == AVCOL_SPC_UNSPECIFIED && height > 576)) out.matrix = AVCOL_SPC_BT709;
  if (out.matrix == AVCOL_SPC_UNSPECIFIED) out.matrix = AVCOL_SPC_SMPTE170M;
  if (out.primaries == AVCOL_PRI_UNSPECIFIED && out.matrix == AVCOL_SPC_BT709) out.primaries = AVCOL_PRI_BT709;
  if (out.transfer == AVCOL_TRC_UNSPECIFIED && out.matrix == AVCOL_SPC_BT709) out.transfer = AVCOL_TRC_BT709;
  return out;
}

void FrameScaler::Fit(const AVFrame& frame) {
  left_ = top_ = 0;
  width_ = layout_.width;
  height_ = layout_.height;
  const AVRational pixel = frame.sample_aspect_ratio;
  const bool told = pixel.num > 0 && pixel.den > 0 && usual_.pixel.num > 0 && usual_.pixel.den > 0;
  const bool same_pixels = !told || av_cmp_q(pixel, usual_.pixel) == 0;
  if (usual_.width <= 0 || (frame.width == usual_.width && frame.height == usual_.height && same_pixels)) return;
  const double own = pixel.num > 0 && pixel.den > 0 ? std::clamp(av_q2d(pixel), kLeastPixel, 1 / kLeastPixel) : 1.0;
  const double shape = static_cast<double>(frame.width) / frame.height * own * usual_.stretch;
  const double room = static_cast<double>(layout_.width) / layout_.height;
  if (!(shape > 0) || std::abs(shape / room - 1) < kSameShape) return;
  // Even, as 4:2:0 needs it.
  if (shape > room) {
    height_ = std::clamp(2 * static_cast<int>(std::lround(layout_.width / shape / 2)), 2, layout_.height);
    top_ = (layout_.height - height_) / 4 * 2;
  } else {
    width_ = std::clamp(2 * static_cast<int>(std::lround(layout_.height * shape / 2)), 2, layout_.width);
    left_ = (layout_.width - width_) / 4 * 2;
  }
}

Status FrameScaler::Configure(const AVFrame& frame) {
  from_width_ = frame.width;
  from_height_ = frame.height;
  from_format_ = frame.format;
  from_pixel_ = frame.sample_aspect_ratio;
  from_full_range_ = IsFullRange(frame);
  Fit(frame);
  copy_ = frame.format == AV_PIX_FMT_YUV420P && !from_full_range_ && frame.width == width_ && frame.height == height_;
  sws_.reset();
  if (copy_) return {};
  sws_.reset(sws_getContext(frame.width, frame.height, static_cast<AVPixelFormat>(frame.format), width_, height_, AV_PIX_FMT_YUV420P,
                            SWS_BICUBIC, nullptr, nullptr, nullptr));
  if (!sws_) return Internal("cannot scale this pixel format");
  const int matrix = SwsMatrix(color_.matrix);
  const int* out = sws_getCoefficients(matrix);
  const int* in = IsRgb(frame.format) ? sws_getCoefficients(SWS_CS_DEFAULT) : out;
  // 1 << 16 is neutral contrast and saturation.
  sws_setColorspaceDetails(sws_.get(), in, from_full_range_ ? 1 : 0, out, 0, 0, 1 << 16, 1 << 16);
  return {};
}

Status FrameScaler::Scale(const AVFrame& frame, uint8_t* out) {
  if (frame.width != from_width_ || frame.height != from_height_ || frame.format != from_format_ ||
      !Same(frame.sample_aspect_ratio, from_pixel_) || IsFullRange(frame) != from_full_range_) {
    VORA_RETURN_IF_ERROR(Configure(frame));
  }
  uint8_t* planes[4] = {out, out + layout_.u_offset, out + layout_.v_offset, nullptr};
  const int strides[4] = {layout_.luma_stride, layout_.chroma_stride, layout_.chroma_stride, 0};
  if (width_ < layout_.width || height_ < layout_.height) {
    std::fill_n(planes[0], static_cast<size_t>(layout_.luma_stride) * static_cast<size_t>(layout_.height), kBlackLuma);
    const size_t chroma = static_cast<size_t>(layout_.chroma_stride) * static_cast<size_t>((layout_.height + 1) / 2);
    for (int p = 1; p < 3; ++p) std::fill_n(planes[p], chroma, kNoChroma);
    planes[0] += top_ * layout_.luma_stride + left_;
    for (int p = 1; p < 3; ++p) planes[p] += top_ / 2 * layout_.chroma_stride + left_ / 2;
  }
  if (copy_) {
    for (int p = 0; p < 3; ++p) {
      const int width = p == 0 ? width_ : (width_ + 1) / 2;
      const int height = p == 0 ? height_ : (height_ + 1) / 2;
      av_image_copy_plane(planes[p], strides[p], frame.data[p], frame.linesize[p], width, height);
    }
    return {};
  }
  const int rows = sws_scale(sws_.get(), frame.data, frame.linesize, 0, frame.height, planes, strides);
  if (rows <= 0) return Internal("scaling failed");
  return {};
}

}  // namespace vora::media
