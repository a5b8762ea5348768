#include "libs/media/poster.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "libs/media/frame_scaler_internal.h"
#include "libs/media/media_error.h"
#include "libs/media/video_reader_internal.h"

namespace vora::media {
namespace {

constexpr int kMaxFramesToTarget = 150;  // a picture a little early will do when keyframes are far apart
constexpr double kLively = 30;           // standard deviation of luma that needs no better picture

double Liveliness(const std::string& pixels, const FrameLayout& layout) {
  double sum = 0, squares = 0, count = 0;
  for (int y = 0; y < layout.height; y += 4) {
    const auto* row = reinterpret_cast<const uint8_t*>(pixels.data()) + static_cast<size_t>(y) * static_cast<size_t>(layout.luma_stride);
    for (int x = 0; x < layout.width; x += 4) {
      sum += row[x];
      squares += static_cast<double>(row[x]) * row[x];
      ++count;
    }
  }
  return std::sqrt(std::max(0.0, squares / count - (sum / count) * (sum / count)));
}

StatusOr<std::string> Jpeg(std::string& pixels, const FrameLayout& layout) {
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
  if (codec == nullptr) return Internal("this build of FFmpeg has no JPEG encoder");
  CodecPtr c(avcodec_alloc_context3(codec));
  c->width = layout.width;
  c->height = layout.height;
  c->pix_fmt = AV_PIX_FMT_YUVJ420P;
  c->color_range = AVCOL_RANGE_JPEG;
  c->time_base = {1, 25};
  c->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT;
  c->global_quality = FF_QP2LAMBDA * 4;
  c->thread_count = 1;
  int result = avcodec_open2(c.get(), codec, nullptr);
  if (result < 0) return AvStatus(result, "cannot open the JPEG encoder");
  FramePtr frame(av_frame_alloc());
  frame->width = layout.width;
  frame->height = layout.height;
  frame->format = AV_PIX_FMT_YUVJ420P;
  frame->quality = c->global_quality;
  auto* data = reinterpret_cast<uint8_t*>(pixels.data());
  frame->data[0] = data;
  frame->data[1] = data + layout.u_offset;
  frame->data[2] = data + layout.v_offset;
  frame->linesize[0] = layout.luma_stride;
  frame->linesize[1] = frame->linesize[2] = layout.chroma_stride;
  PacketPtr packet(av_packet_alloc());
  result = avcodec_send_frame(c.get(), frame.get());
  if (result >= 0) avcodec_send_frame(c.get(), nullptr);
  if (result >= 0) result = avcodec_receive_packet(c.get(), packet.get());
  if (result < 0) return AvStatus(result, "encoding the poster");
  return std::string(reinterpret_cast<const char*>(packet->data), static_cast<size_t>(packet->size));
}

// JPEG is full range with BT.601 luma.
Status ToFullRange(const AVFrame& frame, const FrameLayout& layout, std::string* out) {
  SwsPtr sws(sws_getContext(frame.width, frame.height, static_cast<AVPixelFormat>(frame.format), layout.width, layout.height,
                            AV_PIX_FMT_YUVJ420P, SWS_BICUBIC, nullptr, nullptr, nullptr));
  if (!sws) return Internal("cannot scale this pixel format");
  const int in_matrix = frame.colorspace == AVCOL_SPC_BT709 || (frame.colorspace == AVCOL_SPC_UNSPECIFIED && frame.height > 576)
                            ? SWS_CS_ITU709
                            : SWS_CS_ITU601;
  sws_setColorspaceDetails(sws.get(), sws_getCoefficients(in_matrix), frame.color_range == AVCOL_RANGE_JPEG ? 1 : 0,
                           sws_getCoefficients(SWS_CS_ITU601), 1, 0, 1 << 16, 1 << 16);
  auto* data = reinterpret_cast<uint8_t*>(out->data());
  uint8_t* planes[4] = {data, data + layout.u_offset, data + layout.v_offset, nullptr};
  const int strides[4] = {layout.luma_stride, layout.chroma_stride, layout.chroma_stride, 0};
  return sws_scale(sws.get(), frame.data, frame.linesize, 0, frame.height, planes, strides) > 0 ? Status() : Internal("scaling failed");
}

}  // namespace

StatusOr<std::string> MakePoster(ByteSource& source, const workflow::v1::MediaInfo& media, double at_seconds, int max_width) {
  const auto& video = media.video();
  int width = std::max(2, video.width()), height = std::max(2, video.height());
  const int limit = max_width > 0 ? max_width : 1280;
  if (width > limit) {
    height = std::max(2, static_cast<int>(std::lround(static_cast<double>(height) * limit / width)));
    width = limit;
  }
  const FrameLayout layout(width / 2 * 2, height / 2 * 2);
  VORA_ASSIGN_OR_RETURN(std::unique_ptr<VideoReader> reader, VideoReader::Open(source, video.stream_index(), 1));
  const double length = media.duration_seconds();
  const double first = at_seconds > 0 ? std::min(at_seconds, length * 0.95) : length * 0.1;
  std::string best;
  double best_liveliness = -1;
  FramePtr frame(av_frame_alloc());
  for (const double at : {first, length * 0.2, length * 0.35, length * 0.5, length * 0.05}) {
    const double target = video.start_seconds() + at;
    VORA_RETURN_IF_ERROR(reader->Seek(target));
    double seconds = 0;
    for (int tries = 0; tries < kMaxFramesToTarget; ++tries) {
      VORA_ASSIGN_OR_RETURN(const bool some, reader->Next(frame.get(), &seconds));
      if (!some || seconds >= target - 0.05) break;
    }
    if (frame->width <= 0) continue;
    std::string pixels(layout.bytes, '\0');
    VORA_RETURN_IF_ERROR(ToFullRange(*frame, layout, &pixels));
    const double liveliness = Liveliness(pixels, layout);
    if (liveliness > best_liveliness) {
      best_liveliness = liveliness;
      best = std::move(pixels);
    }
    if (best_liveliness >= kLively) break;
  }
  if (best.empty()) return MediaError(kUnreadable, "No picture for a poster could be decoded.");
  return Jpeg(best, layout);
}

}  // namespace vora::media
