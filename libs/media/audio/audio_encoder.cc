#include "libs/media/audio/audio_encoder.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "libs/core/error.h"
#include "libs/media/audio/audio_grid.h"
#include "libs/media/audio/audio_timeline_internal.h"
#include "libs/media/base/media_error.h"
#include "libs/media/base/source_limits.h"
#include "libs/media/cmaf/fmp4.h"
#include "libs/media/input/input_internal.h"

namespace vora::media {
namespace {

using media::v1::TrackPlan;

// Blocks of samples to AAC to segments.
class AacSegmenter {
 public:
  AacSegmenter(const TrackPlan& plan, const AudioGrid& grid, const std::function<Status(EncodedSegment)>& on_segment)
      : plan_(plan), grid_(grid), on_segment_(on_segment) {}

  Status Open() {
    const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_AAC);
    if (codec == nullptr) return Internal("this build of FFmpeg has no AAC encoder");
    encoder_.reset(avcodec_alloc_context3(codec));
    packet_.reset(av_packet_alloc());
    if (!encoder_ || !packet_) return ResourceExhausted("out of memory");
    encoder_->sample_rate = grid_.sample_rate();
    encoder_->sample_fmt = AV_SAMPLE_FMT_FLTP;
    encoder_->bit_rate = plan_.audio().bitrate() > 0 ? plan_.audio().bitrate() : 128000;
    encoder_->time_base = {1, grid_.sample_rate()};
    encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_channel_layout_default(&encoder_->ch_layout, channels());
    const int opened = avcodec_open2(encoder_.get(), codec, nullptr);
    if (opened < 0) return AvStatus(opened, "cannot open the AAC encoder");
    AudioTrackHeader header;
    header.timescale = static_cast<uint32_t>(grid_.sample_rate());
    header.channels = channels();
    header.bitrate = encoder_->bit_rate;
    header.specific_config.assign(reinterpret_cast<const char*>(encoder_->extradata), static_cast<size_t>(encoder_->extradata_size));
    init_ = AudioInitSegment(header);
    return {};
  }

  int channels() const { return plan_.audio().channels() > 0 ? plan_.audio().channels() : 2; }

  Status Block(const std::vector<std::vector<float>>& planes) {
    FramePtr frame(av_frame_alloc());
    frame->nb_samples = kAacFrame;
    frame->format = AV_SAMPLE_FMT_FLTP;
    frame->sample_rate = grid_.sample_rate();
    av_channel_layout_copy(&frame->ch_layout, &encoder_->ch_layout);
    if (av_frame_get_buffer(frame.get(), 0) < 0) return ResourceExhausted("out of memory");
    for (size_t c = 0; c < planes.size(); ++c) {
      std::copy(planes[c].begin(), planes[c].end(), reinterpret_cast<float*>(frame->extended_data[c]));
    }
    frame->pts = sent_;
    sent_ += kAacFrame;
    const int sent = avcodec_send_frame(encoder_.get(), frame.get());
    if (sent < 0) return AvStatus(sent, "encoding the audio");
    return Drain();
  }

  Status Finish() {
    avcodec_send_frame(encoder_.get(), nullptr);
    VORA_RETURN_IF_ERROR(Drain());
    if (next_segment_ != grid_.segments()) return Internal("the AAC encoder lost frames");
    return {};
  }

 private:
  Status Drain() {
    for (;;) {
      const int received = avcodec_receive_packet(encoder_.get(), packet_.get());
      if (received == AVERROR(EAGAIN) || received == AVERROR_EOF) return {};
      if (received < 0) return AvStatus(received, "encoding the audio");
      // The first packet holds only the encoder's run-up; without it the track begins at 0 and needs no edit list.
      if (packet_->pts >= 0 && next_frame_ < grid_.total_frames()) {
        segment_.samples.push_back({static_cast<uint32_t>(packet_->size), 0, true, false});
        segment_.data.append(reinterpret_cast<const char*>(packet_->data), static_cast<size_t>(packet_->size));
        ++next_frame_;
        if (next_frame_ == grid_.EndFrame(next_segment_)) VORA_RETURN_IF_ERROR(Cut());
      }
      av_packet_unref(packet_.get());
    }
  }

  Status Cut() {
    const int64_t first = grid_.FirstFrame(next_segment_);
    segment_.index = next_segment_;
    segment_.video = false;
    segment_.decode_time = static_cast<uint64_t>(first * kAacFrame);
    segment_.sample_duration = kAacFrame;
    EncodedSegment out;
    out.index = next_segment_;
    out.duration = (next_frame_ - first) * kAacFrame;
    out.init = init_;
    out.bytes = MediaSegmentBytes(segment_);
    out.codecs = "mp4a.40.2";
    segment_ = {};
    ++next_segment_;
    return on_segment_(std::move(out));
  }

  const TrackPlan& plan_;
  const AudioGrid& grid_;
  const std::function<Status(EncodedSegment)>& on_segment_;
  CodecPtr encoder_;
  PacketPtr packet_;
  std::string init_;
  int64_t sent_ = 0;
  int64_t next_frame_ = 0;
  int next_segment_ = 0;
  MediaSegment segment_;
};

// A stream may change in the middle: a sample a second would have to be stretched 48,000 times.
bool Usable(const AVFrame& frame) {
  const SourceLimits& limits = ActiveSourceLimits();
  return frame.sample_rate >= kMinSampleRate && frame.sample_rate <= limits.max_sample_rate &&
         frame.ch_layout.nb_channels <= limits.max_channels;
}

class AudioReader {
 public:
  static StatusOr<std::unique_ptr<AudioReader>> Open(ByteSource& source, int stream_index) {
    auto reader = std::make_unique<AudioReader>();
    VORA_ASSIGN_OR_RETURN(reader->input_, Input::Open(source));
    reader->index_ = stream_index;
    AVFormatContext* context = reader->input_->context();
    if (stream_index < 0 || stream_index >= static_cast<int>(context->nb_streams)) return InvalidArgument("no such audio track");
    reader->input_->KeepOnly(stream_index);
    const AVStream& stream = *context->streams[stream_index];
    const AVCodec* codec = avcodec_find_decoder(stream.codecpar->codec_id);
    if (codec == nullptr) return MakeError(errors::kMediaUnsupportedCodec, "The audio cannot be decoded here.");
    reader->decoder_.reset(avcodec_alloc_context3(codec));
    avcodec_parameters_to_context(reader->decoder_.get(), stream.codecpar);
    reader->decoder_->pkt_timebase = stream.time_base;
    reader->time_base_ = stream.time_base;
    if (avcodec_open2(reader->decoder_.get(), codec, nullptr) < 0)
      return MakeError(errors::kMediaUnreadable, "The audio cannot be decoded.");
    reader->packet_.reset(av_packet_alloc());
    return reader;
  }

  StatusOr<bool> Next(AVFrame* frame, double* seconds) {
    for (;;) {
      av_frame_unref(frame);
      const int received = avcodec_receive_frame(decoder_.get(), frame);
      if (received >= 0 && frame->nb_samples > 0 && Usable(*frame)) {
        // A frame without a time follows the one before it.
        if (frame->best_effort_timestamp != AV_NOPTS_VALUE) next_ = static_cast<double>(frame->best_effort_timestamp) * av_q2d(time_base_);
        *seconds = next_;
        next_ += static_cast<double>(frame->nb_samples) / frame->sample_rate;
        return true;
      }
      if (received >= 0) continue;
      if (received == AVERROR(ENOMEM)) return AvStatus(received, "decoding the audio");
      if (received == AVERROR_EOF || draining_) return false;
      VORA_ASSIGN_OR_RETURN(const bool some, input_->Read(packet_.get()));
      if (!some) {
        draining_ = true;
        avcodec_send_packet(decoder_.get(), nullptr);
      } else if (packet_->stream_index == index_) {
        // A damaged packet is left out; the timeline fills its place with silence.
        avcodec_send_packet(decoder_.get(), packet_.get());
      }
      av_packet_unref(packet_.get());
    }
  }

 private:
  std::unique_ptr<Input> input_;
  CodecPtr decoder_;
  PacketPtr packet_;
  AVRational time_base_{0, 1};
  int index_ = -1;
  double next_ = 0;
  bool draining_ = false;
};

}  // namespace

Status EncodeAudioTrack(ByteSource& source, const media::v1::MediaInfo& media, const TrackPlan& plan,
                        const std::function<Status(EncodedSegment)>& on_segment) {
  const AudioGrid grid(plan, media.duration_seconds());
  AacSegmenter segmenter(plan, grid, on_segment);
  VORA_RETURN_IF_ERROR(segmenter.Open());
  VORA_ASSIGN_OR_RETURN(std::unique_ptr<AudioReader> reader, AudioReader::Open(source, plan.source_stream_index()));
  AudioTimeline timeline(grid.sample_rate(), segmenter.channels(), media.video().start_seconds(), grid.total_frames() * kAacFrame,
                         kAacFrame, [&](const std::vector<std::vector<float>>& planes) { return segmenter.Block(planes); });
  FramePtr frame(av_frame_alloc());
  bool any = false;
  while (!timeline.full()) {
    double seconds = 0;
    VORA_ASSIGN_OR_RETURN(const bool some, reader->Next(frame.get(), &seconds));
    if (!some) break;
    any = true;
    VORA_RETURN_IF_ERROR(timeline.Add(*frame, seconds));
  }
  if (!any) return MakeError(errors::kMediaUnreadable, "The audio could not be decoded: the track is empty or damaged.");
  VORA_RETURN_IF_ERROR(timeline.Finish());
  return segmenter.Finish();
}

}  // namespace vora::media
