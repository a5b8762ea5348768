#include "libs/media/pictures/still_picture_internal.h"

namespace vora::media {

StatusOr<std::string> EncodeJpeg(std::string& pixels, const FrameLayout& layout, int quality) {
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
  if (codec == nullptr) return Internal("this build of FFmpeg has no JPEG encoder");
  CodecPtr c(avcodec_alloc_context3(codec));
  c->width = layout.width;
  c->height = layout.height;
  c->pix_fmt = AV_PIX_FMT_YUVJ420P;
  c->color_range = AVCOL_RANGE_JPEG;
  c->time_base = {1, 25};
  // Bit-exact leaves out the encoder's name and version: the object is write-once, so each attempt must make the same bytes.
  c->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT;
  c->global_quality = FF_QP2LAMBDA * quality;
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
  if (result < 0) return AvStatus(result, "encoding a picture");
  return std::string(reinterpret_cast<const char*>(packet->data), static_cast<size_t>(packet->size));
}

Status ScaleToStill(const AVFrame& frame, const FrameLayout& layout, int flags, std::string* out) {
  SwsPtr sws(sws_getContext(frame.width, frame.height, static_cast<AVPixelFormat>(frame.format), layout.width, layout.height,
                            AV_PIX_FMT_YUVJ420P, SWS_BICUBIC | flags, nullptr, nullptr, nullptr));
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

}  // namespace vora::media
