#pragma once

// FFmpeg's types with owners. For .cc files only.

#include <cstdint>
#include <memory>
#include <string>

#include "libs/core/status.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/frame.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}

namespace vora::media {

struct AvDelete {
  void operator()(AVFrame* p) const { av_frame_free(&p); }
  void operator()(AVPacket* p) const { av_packet_free(&p); }
  void operator()(AVCodecContext* p) const { avcodec_free_context(&p); }
  void operator()(AVFilterGraph* p) const { avfilter_graph_free(&p); }
  void operator()(SwsContext* p) const { sws_freeContext(p); }
  void operator()(SwrContext* p) const { swr_free(&p); }
};
using FramePtr = std::unique_ptr<AVFrame, AvDelete>;
using PacketPtr = std::unique_ptr<AVPacket, AvDelete>;
using CodecPtr = std::unique_ptr<AVCodecContext, AvDelete>;
using GraphPtr = std::unique_ptr<AVFilterGraph, AvDelete>;
using SwsPtr = std::unique_ptr<SwsContext, AvDelete>;
using SwrPtr = std::unique_ptr<SwrContext, AvDelete>;

inline std::string AvText(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof text);
  return text;
}

// RESOURCE_EXHAUSTED for ENOMEM, else INTERNAL.
inline Status AvStatus(int error, const std::string& what) {
  if (error == AVERROR(ENOMEM)) return ResourceExhausted(what + ": out of memory");
  return Internal(what + ": " + AvText(error));
}

}  // namespace vora::media
