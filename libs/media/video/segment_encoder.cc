#include "libs/media/video/segment_encoder.h"

#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <mutex>

#include "libs/media/base/av_internal.h"
#include "libs/media/cmaf/fmp4.h"

namespace vora::media {
namespace {

using media::v1::TrackPlan;

struct PacketInfo {
  int64_t pts = 0;
  Sample sample;
};

// x264's choices vary a little with what its tables hold before they are written (seen with core 164). So all memory of this process is
// handed out zeroed, and equal input gives equal bytes. glibc fills with the complement of this value.
void ZeroMemoryOnAllocation() {
  static std::once_flag once;
  std::call_once(once, [] {
    mallopt(M_PERTURB, 0xff);
    // Large blocks are reused by the next segment instead of being paged in again: that pays for the zeroing.
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
  });
}

StatusOr<CodecPtr> OpenX264(const TrackPlan& plan, const VideoColor& color) {
  const AVCodec* codec = avcodec_find_encoder_by_name("libx264");
  if (codec == nullptr) return Internal("this build of FFmpeg has no libx264");
  CodecPtr c(avcodec_alloc_context3(codec));
  if (!c) return ResourceExhausted("out of memory");
  const auto& rung = plan.rung();
  c->width = plan.width();
  c->height = plan.height();
  c->pix_fmt = AV_PIX_FMT_YUV420P;
  c->sample_aspect_ratio = {1, 1};
  c->time_base = {plan.frame_rate_den(), plan.frame_rate_num()};
  c->framerate = {plan.frame_rate_num(), plan.frame_rate_den()};
  c->gop_size = plan.frames_per_gop();
  // With a rate cap, x264's frame threads look at how far the others have come, so the bytes would depend on timing.
  c->thread_count = rung.max_bitrate() > 0 ? 1 : std::max(1, rung.threads());
  c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_CLOSED_GOP;
  c->color_range = AVCOL_RANGE_MPEG;
  c->color_primaries = static_cast<AVColorPrimaries>(color.primaries);
  c->color_trc = static_cast<AVColorTransferCharacteristic>(color.transfer);
  c->colorspace = static_cast<AVColorSpace>(color.matrix);
  if (rung.max_bitrate() > 0) {
    c->rc_max_rate = rung.max_bitrate();
    c->rc_buffer_size = static_cast<int>(std::min<int64_t>(2 * rung.max_bitrate(), std::numeric_limits<int>::max()));
  }
  char crf[32];
  std::snprintf(crf, sizeof crf, "%.2f", rung.crf() > 0 ? rung.crf() : 23.0);
  AVDictionary* options = nullptr;
  av_dict_set(&options, "preset", rung.preset().empty() ? "veryfast" : rung.preset().c_str(), 0);
  av_dict_set(&options, "profile", rung.profile().empty() ? "high" : rung.profile().c_str(), 0);
  av_dict_set(&options, "crf", crf, 0);
  av_dict_set(&options, "forced-idr", "1", 0);
  // Keyframes exactly at the GOP grid: none by scene, none missing.
  const std::string keyint = std::to_string(plan.frames_per_gop());
  av_dict_set(&options, "x264-params", ("scenecut=0:open-gop=0:keyint=" + keyint + ":min-keyint=" + keyint).c_str(), 0);
  const int opened = avcodec_open2(c.get(), codec, &options);
  av_dict_free(&options);
  if (opened < 0) return AvStatus(opened, "cannot open the H.264 encoder");
  return c;
}

StatusOr<VideoTrackHeader> Header(const TrackPlan& plan, const VideoColor& color, const AVCodecContext& c) {
  VideoTrackHeader header;
  header.timescale = static_cast<uint32_t>(plan.timescale() > 0 ? plan.timescale() : plan.frame_rate_num());
  header.width = plan.width();
  header.height = plan.height();
  header.sample_duration = static_cast<uint32_t>(plan.frame_rate_den());
  header.reorder_frames = static_cast<uint32_t>(std::max(0, c.has_b_frames));
  header.color = color;
  for (const std::string_view nal :
       SplitAnnexB({reinterpret_cast<const char*>(c.extradata), static_cast<size_t>(std::max(0, c.extradata_size))})) {
    if (nal.empty()) continue;
    if ((nal[0] & 0x1f) == 7) header.sps = std::string(nal);
    if ((nal[0] & 0x1f) == 8) header.pps = std::string(nal);
  }
  if (header.sps.size() < 4 || header.pps.empty()) return Internal("the encoder gave no parameter sets");
  return header;
}

// Takes every packet that is ready; they come in decode order.
Status Drain(AVCodecContext* c, AVPacket* packet, std::vector<PacketInfo>* packets, std::string* data) {
  for (;;) {
    const int received = avcodec_receive_packet(c, packet);
    if (received == AVERROR(EAGAIN) || received == AVERROR_EOF) return {};
    if (received < 0) return AvStatus(received, "encoding");
    PacketInfo info;
    info.pts = packet->pts;
    info.sample.size = AppendLengthPrefixed({reinterpret_cast<const char*>(packet->data), static_cast<size_t>(packet->size)}, data);
    info.sample.sync = (packet->flags & AV_PKT_FLAG_KEY) != 0;
    info.sample.disposable = (packet->flags & AV_PKT_FLAG_DISPOSABLE) != 0;
    packets->push_back(info);
    av_packet_unref(packet);
  }
}

void ReleaseFrame(void* feed, uint8_t*) { static_cast<FrameFeed*>(feed)->Release(); }

// A frame over the feed's memory; the feed gets it back when the encoder has let go of it.
StatusOr<FramePtr> Wrap(const uint8_t* pixels, const FrameLayout& layout, FrameFeed& feed, int64_t pts) {
  FramePtr frame(av_frame_alloc());
  if (!frame) return ResourceExhausted("out of memory");
  auto* data = const_cast<uint8_t*>(pixels);
  frame->buf[0] = av_buffer_create(data, layout.bytes, &ReleaseFrame, &feed, AV_BUFFER_FLAG_READONLY);
  if (frame->buf[0] == nullptr) return ResourceExhausted("out of memory");
  frame->data[0] = data;
  frame->data[1] = data + layout.u_offset;
  frame->data[2] = data + layout.v_offset;
  frame->linesize[0] = layout.luma_stride;
  frame->linesize[1] = frame->linesize[2] = layout.chroma_stride;
  frame->format = AV_PIX_FMT_YUV420P;
  frame->width = layout.width;
  frame->height = layout.height;
  frame->color_range = AVCOL_RANGE_MPEG;
  frame->pts = pts;
  return frame;
}

}  // namespace

int64_t SegmentEncoder::FirstFrame(int index) const { return int64_t{index} * plan_.frames_per_segment(); }

int64_t SegmentEncoder::EndFrame(int index) const {
  return std::min<int64_t>(FirstFrame(index) + plan_.frames_per_segment(), plan_.frames_total());
}

StatusOr<EncodedSegment> SegmentEncoder::Encode(int index, FrameFeed& feed) {
  const int64_t frames = EndFrame(index) - FirstFrame(index);
  if (frames <= 0) return InvalidArgument("segment " + std::to_string(index) + " has no frames");
  ZeroMemoryOnAllocation();
  VORA_ASSIGN_OR_RETURN(CodecPtr encoder, OpenX264(plan_, color_));
  const FrameLayout layout(plan_.width(), plan_.height());
  PacketPtr packet(av_packet_alloc());
  std::vector<PacketInfo> packets;
  MediaSegment segment;
  for (int64_t n = 0; n < frames; ++n) {
    const uint8_t* pixels = feed.Next();
    if (pixels == nullptr) return Cancelled("the frames ended early");
    VORA_ASSIGN_OR_RETURN(FramePtr frame, Wrap(pixels, layout, feed, n));
    const int sent = avcodec_send_frame(encoder.get(), frame.get());
    if (sent < 0) return AvStatus(sent, "encoding");
    // Before anything else: the feed has few frames of memory, and the decoder waits for this one.
    frame.reset();
    VORA_RETURN_IF_ERROR(Drain(encoder.get(), packet.get(), &packets, &segment.data));
  }
  avcodec_send_frame(encoder.get(), nullptr);
  VORA_RETURN_IF_ERROR(Drain(encoder.get(), packet.get(), &packets, &segment.data));
  if (packets.size() != static_cast<size_t>(frames)) return Internal("the encoder lost frames");

  VORA_ASSIGN_OR_RETURN(const VideoTrackHeader header, Header(plan_, color_, *encoder));
  const int64_t step = plan_.frame_rate_den();
  segment.index = index;
  segment.decode_time = static_cast<uint64_t>(FirstFrame(index) * step);
  segment.sample_duration = static_cast<uint32_t>(step);
  for (size_t k = 0; k < packets.size(); ++k) {
    // Packet k is decoded at k and shown reorder_frames later, so that no offset is negative; the edit in the init segment takes the delay
    // out.
    packets[k].sample.composition_offset = static_cast<int32_t>((packets[k].pts - static_cast<int64_t>(k) + header.reorder_frames) * step);
    segment.samples.push_back(packets[k].sample);
  }
  EncodedSegment out;
  out.index = index;
  out.duration = frames * step;
  out.init = VideoInitSegment(header);
  out.bytes = MediaSegmentBytes(segment);
  out.codecs = AvcCodecs(header.sps);
  return out;
}

}  // namespace vora::media
