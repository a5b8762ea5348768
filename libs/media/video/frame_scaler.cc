#include "libs/media/video/frame_scaler_internal.h"

namespace vora::media {
namespace {

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

Status FrameScaler::Configure(const AVFrame& frame) {
  from_width_ = frame.width;
  from_height_ = frame.height;
  from_format_ = frame.format;
  from_full_range_ = IsFullRange(frame);
  copy_ = frame.format == AV_PIX_FMT_YUV420P && !from_full_range_ && frame.width == layout_.width && frame.height == layout_.height;
  sws_.reset();
  if (copy_) return {};
  sws_.reset(sws_getContext(frame.width, frame.height, static_cast<AVPixelFormat>(frame.format), layout_.width, layout_.height,
                            AV_PIX_FMT_YUV420P, SWS_BICUBIC, nullptr, nullptr, nullptr));
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
      IsFullRange(frame) != from_full_range_) {
    VORA_RETURN_IF_ERROR(Configure(frame));
  }
  uint8_t* planes[4] = {out, out + layout_.u_offset, out + layout_.v_offset, nullptr};
  const int strides[4] = {layout_.luma_stride, layout_.chroma_stride, layout_.chroma_stride, 0};
  if (copy_) {
    for (int p = 0; p < 3; ++p) {
      const int width = p == 0 ? layout_.width : (layout_.width + 1) / 2;
      const int height = p == 0 ? layout_.height : (layout_.height + 1) / 2;
      av_image_copy_plane(planes[p], strides[p], frame.data[p], frame.linesize[p], width, height);
    }
    return {};
  }
  const int rows = sws_scale(sws_.get(), frame.data, frame.linesize, 0, frame.height, planes, strides);
  if (rows <= 0) return Internal("scaling failed");
  return {};
}

}  // namespace vora::media
