// The part of VideoReader that gives single key frames, without decoding or, where the container allows it, reading what lies between.

#include <cmath>

#include "libs/media/video/video_reader_internal.h"

extern "C" {
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
}

namespace vora::media {
namespace {

constexpr int kMaxPackets = 1500;  // to look at for a key frame after the place sought

}  // namespace

Status VideoReader::FilterAlone(AVFrame* frame) {
  if (filter_text_.empty() && !transparent_ && !(interlaced_ && frame->interlaced_frame != 0)) return {};
  VORA_RETURN_IF_ERROR(BuildFilter(*frame));
  frame->pts = frame->best_effort_timestamp;
  int result = av_buffersrc_add_frame_flags(graph_in_, frame, 0);
  if (result >= 0) result = av_buffersrc_add_frame_flags(graph_in_, nullptr, 0);
  av_frame_unref(frame);
  if (result >= 0) result = av_buffersink_get_frame(graph_out_, frame);
  graph_.reset();
  return result >= 0 ? Status() : AvStatus(result, "filtering");
}

Status VideoReader::DecodeAlone(AVPacket* packet, AVFrame* frame) {
  av_frame_unref(frame);
  avcodec_flush_buffers(decoder_.get());
  int result = avcodec_send_packet(decoder_.get(), packet);
  if (result >= 0) {
    // The end of the stream makes the decoder give the frame out at once, without waiting for others to put in order. Only a flush brings
    // it back from there.
    avcodec_send_packet(decoder_.get(), nullptr);
    result = avcodec_receive_frame(decoder_.get(), frame);
  }
  avcodec_flush_buffers(decoder_.get());
  if (result == AVERROR(ENOMEM)) return AvStatus(result, "decoding");
  if (result < 0 || frame->width <= 0 || frame->height <= 0) {
    av_frame_unref(frame);
    return {};
  }
  return FilterAlone(frame);
}

StatusOr<bool> VideoReader::KeyFrame(double seconds, AVFrame* frame, double* at) {
  AVStream* s = stream();
  s->discard = AVDISCARD_NONKEY;
  const int64_t ts = static_cast<int64_t>(std::floor(seconds / av_q2d(s->time_base)));
  int sought = av_seek_frame(input_->context(), index_, ts, AVSEEK_FLAG_BACKWARD);
  if (!input_->source_status().ok()) return input_->source_status();
  if (sought < 0) sought = av_seek_frame(input_->context(), index_, ts, 0);
  if (!input_->source_status().ok()) return input_->source_status();
  if (sought < 0) return false;
  for (int looked = 0; looked < kMaxPackets; ++looked) {
    av_packet_unref(packet_.get());
    VORA_ASSIGN_OR_RETURN(const bool some, input_->Read(packet_.get()));
    if (!some) return false;
    if (packet_->stream_index != index_ || (packet_->flags & AV_PKT_FLAG_KEY) == 0) continue;
    const int64_t pts = packet_->pts != AV_NOPTS_VALUE ? packet_->pts : packet_->dts;
    if (pts == AV_NOPTS_VALUE) continue;
    // Neighbouring tiles often have the same key frame.
    if (!key_frame_ || pts != key_pts_) {
      if (!key_frame_) key_frame_.reset(av_frame_alloc());
      key_pts_ = pts;
      VORA_RETURN_IF_ERROR(DecodeAlone(packet_.get(), key_frame_.get()));
    }
    av_packet_unref(packet_.get());
    if (key_frame_->width <= 0) return false;
    av_frame_unref(frame);
    if (av_frame_ref(frame, key_frame_.get()) < 0) return ResourceExhausted("out of memory");
    *at = static_cast<double>(pts) * av_q2d(s->time_base);
    return true;
  }
  av_packet_unref(packet_.get());
  return false;
}

}  // namespace vora::media
