#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

#include "libs/core/error.h"
#include "libs/media/base/media_error.h"
#include "libs/media/base/source_limits.h"
#include "libs/media/video/video_reader_internal.h"

namespace vora::media {
namespace {

// Non-reference pictures are skipped up to this long before the wanted one.
constexpr double kSkipMargin = 1.0;
// Of what a rate that no film has would make minutes.
constexpr double kLongestLead = 2.0;
// How far before the wanted time to look for a keyframe, try by try; then from the start of the file.
constexpr double kSeekBack[] = {0, 2, 6, 20, 60};

// These decoders give out nothing before a key frame or a recovery point.
bool FindsItsOwnStart(AVCodecID codec) { return codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC; }

bool MayBeInterlaced(AVCodecID codec) {
  constexpr AVCodecID kCodecs[] = {AV_CODEC_ID_MPEG1VIDEO, AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MPEG4,  AV_CODEC_ID_H264, AV_CODEC_ID_VC1,
                                   AV_CODEC_ID_WMV3,       AV_CODEC_ID_DVVIDEO,    AV_CODEC_ID_PRORES, AV_CODEC_ID_DNXHD};
  return std::find(std::begin(kCodecs), std::end(kCodecs), codec) != std::end(kCodecs);
}

// FFmpeg's own decoders of these leave the alpha plane out.
const AVCodec* AlphaDecoder(const AVStream& stream) {
  const AVDictionaryEntry* mode = av_dict_get(stream.metadata, "alpha_mode", nullptr, 0);
  if (mode == nullptr || std::string_view(mode->value) != "1") return nullptr;
  const AVCodecID codec = stream.codecpar->codec_id;
  return codec == AV_CODEC_ID_VP9   ? avcodec_find_decoder_by_name("libvpx-vp9")
         : codec == AV_CODEC_ID_VP8 ? avcodec_find_decoder_by_name("libvpx")
                                    : nullptr;
}

// Of codecs whose alpha is meant: what screen recorders and uncompressed files have in the fourth byte is often 0 everywhere.
bool IsTransparent(const AVStream& stream) {
  constexpr AVCodecID kCodecs[] = {AV_CODEC_ID_PRORES, AV_CODEC_ID_QTRLE, AV_CODEC_ID_PNG,  AV_CODEC_ID_APNG, AV_CODEC_ID_GIF,
                                   AV_CODEC_ID_FFV1,   AV_CODEC_ID_HAP,   AV_CODEC_ID_CFHD, AV_CODEC_ID_DXV,  AV_CODEC_ID_JPEG2000};
  if (AlphaDecoder(stream) != nullptr) return true;
  const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(stream.codecpar->format));
  const bool alpha = format != nullptr && (format->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;
  return alpha && std::find(std::begin(kCodecs), std::end(kCodecs), stream.codecpar->codec_id) != std::end(kCodecs);
}

double FrameSeconds(const AVFrame& frame, AVRational time_base, const std::optional<double>& last, double step) {
  const int64_t pts = frame.best_effort_timestamp != AV_NOPTS_VALUE ? frame.best_effort_timestamp : frame.pts;
  if (pts != AV_NOPTS_VALUE) return static_cast<double>(pts) * av_q2d(time_base);
  return last.has_value() ? *last + step : 0;
}

}  // namespace

StatusOr<std::unique_ptr<VideoReader>> VideoReader::Open(ByteSource& source, int stream_index, int threads) {
  std::unique_ptr<VideoReader> reader(new VideoReader(source, stream_index, threads));
  reader->packet_.reset(av_packet_alloc());
  VORA_RETURN_IF_ERROR(reader->Reopen());
  return reader;
}

VideoReader::~VideoReader() = default;

Status VideoReader::Reopen() {
  decoder_.reset();
  input_.reset();
  VORA_ASSIGN_OR_RETURN(input_, Input::Open(source_));
  if (index_ < 0) index_ = FindVideoStream(input_->context());
  if (index_ < 0 || index_ >= static_cast<int>(input_->context()->nb_streams) || stream()->codecpar->codec_type != AVMEDIA_TYPE_VIDEO) {
    return MakeError(errors::kMediaNoVideo, "The file has no picture.");
  }
  input_->KeepOnly(index_);
  const AVCodecParameters& par = *stream()->codecpar;
  color_ = {par.color_primaries, par.color_trc, par.color_space};
  filter_text_ = OrientationFilter(stream());
  // Each picture says for itself whether it is interlaced; of what never is, none is asked.
  interlaced_ = par.field_order > AV_FIELD_PROGRESSIVE || MayBeInterlaced(par.codec_id);
  transparent_ = IsTransparent(*stream());
  return OpenDecoder();
}

Status VideoReader::OpenDecoder() {
  const AVCodecParameters& par = *stream()->codecpar;
  const AVCodec* codec = AlphaDecoder(*stream());
  if (codec == nullptr) codec = avcodec_find_decoder(par.codec_id);
  if (codec == nullptr) {
    return MakeError(errors::kMediaUnsupportedCodec,
                     std::string("The picture is coded as ") + avcodec_get_name(par.codec_id) + ", which cannot be decoded here.");
  }
  decoder_.reset(avcodec_alloc_context3(codec));
  if (!decoder_) return ResourceExhausted("out of memory");
  avcodec_parameters_to_context(decoder_.get(), &par);
  decoder_->pkt_timebase = stream()->time_base;
  decoder_->thread_count = threads_;
  decoder_->max_pixels = ActiveSourceLimits().max_pixels;
  decoder_->err_recognition = 0;
  const int opened = avcodec_open2(decoder_.get(), codec, nullptr);
  if (opened == AVERROR(ENOMEM)) return AvStatus(opened, "cannot open the decoder");
  if (opened < 0)
    return MakeError(errors::kMediaUnreadable, std::string("The ") + codec->name + " picture data is damaged and cannot be decoded.");
  ForgetPosition();
  return {};
}

void VideoReader::ForgetPosition() {
  pending_.reset();
  last_seconds_.reset();
  // Its filters hold frames from before the seek.
  graph_.reset();
  graph_eof_ = false;
  changed_.reset();
  draining_ = false;
  await_key_ = false;
  decoder_->skip_frame = AVDISCARD_DEFAULT;
}

Status VideoReader::Seek(double seconds) {
  const AVStream* s = stream();
  const double rate = s->avg_frame_rate.num > 0 ? av_q2d(s->avg_frame_rate) : 25;
  // Deinterlacing looks at the neighbours; decoding order runs ahead of presentation by the reorder depth.
  const double lead = interlaced_ ? std::min(4 / rate, kLongestLead) : 0;
  const double reorder = (decoder_->has_b_frames + 1) / rate;
  FramePtr frame(av_frame_alloc());
  for (const double back : kSeekBack) {
    const double target = seconds - lead - reorder - back;
    const int64_t ts = static_cast<int64_t>(std::floor(target / av_q2d(s->time_base)));
    if (s->start_time != AV_NOPTS_VALUE && ts <= s->start_time) break;
    const int sought = av_seek_frame(input_->context(), index_, ts, AVSEEK_FLAG_BACKWARD);
    if (!input_->source_status().ok()) return input_->source_status();
    if (sought < 0) break;
    avcodec_flush_buffers(decoder_.get());
    ForgetPosition();
    await_key_ = !FindsItsOwnStart(stream()->codecpar->codec_id);
    skip_nonref_until_ = seconds - lead - kSkipMargin;
    double at = 0;
    // Only a decoded frame proves that the seek went far enough back: containers mark frames as key frames from which nothing can be
    // decoded.
    VORA_ASSIGN_OR_RETURN(const bool some, Next(frame.get(), &at));
    if (some && at <= seconds - lead) {
      pending_ = std::move(frame);
      pending_seconds_ = at;
      return {};
    }
  }
  VORA_RETURN_IF_ERROR(Reopen());
  skip_nonref_until_ = seconds - lead - kSkipMargin;
  return {};
}

StatusOr<bool> VideoReader::Next(AVFrame* frame, double* seconds) {
  if (pending_) {
    av_frame_unref(frame);
    av_frame_move_ref(frame, pending_.get());
    *seconds = pending_seconds_;
    pending_.reset();
    return true;
  }
  for (;;) {
    VORA_ASSIGN_OR_RETURN(const bool some, NextAny(frame, seconds));
    if (!some) return false;
    // Times that stand still or go back come from damage; the picture is left out.
    if (last_seconds_.has_value() && *seconds <= *last_seconds_) continue;
    last_seconds_ = *seconds;
    return true;
  }
}

StatusOr<bool> VideoReader::NextAny(AVFrame* frame, double* seconds) {
  const AVStream* s = stream();
  const double step = s->avg_frame_rate.num > 0 ? 1 / av_q2d(s->avg_frame_rate) : 0.04;
  if (filter_text_.empty() && !interlaced_ && !transparent_) {
    VORA_ASSIGN_OR_RETURN(const bool some, Decode(frame));
    if (some) *seconds = FrameSeconds(*frame, s->time_base, last_seconds_, step);
    return some;
  }
  VORA_ASSIGN_OR_RETURN(const bool some, FilterNext(frame));
  if (some) *seconds = FrameSeconds(*frame, graph_time_base_, last_seconds_, step);
  return some;
}

StatusOr<bool> VideoReader::Decode(AVFrame* frame) {
  av_frame_unref(frame);
  for (;;) {
    const int received = avcodec_receive_frame(decoder_.get(), frame);
    if (received >= 0) {
      if (frame->width > 0 && frame->height > 0) return true;
      continue;
    }
    if (received == AVERROR(ENOMEM)) return AvStatus(received, "decoding");
    if (received == AVERROR_EOF || draining_) return false;
    // A damaged frame is counted and left out: the next key frame puts things right.
    if (received != AVERROR(EAGAIN)) ++bad_frames_;
    VORA_ASSIGN_OR_RETURN(const bool some, input_->Read(packet_.get()));
    if (!some) {
      draining_ = true;
      avcodec_send_packet(decoder_.get(), nullptr);
      continue;
    }
    if (packet_->stream_index == index_ && (packet_->flags & AV_PKT_FLAG_KEY) != 0) await_key_ = false;
    if (packet_->stream_index == index_ && !await_key_) {
      const bool skip = only_references_ || (packet_->pts != AV_NOPTS_VALUE &&
                                             static_cast<double>(packet_->pts) * av_q2d(stream()->time_base) < skip_nonref_until_);
      // On the way to the wanted frame those that no other refers to change nothing.
      decoder_->skip_frame = skip ? AVDISCARD_NONREF : AVDISCARD_DEFAULT;
      const int sent = avcodec_send_packet(decoder_.get(), packet_.get());
      if (sent == AVERROR(ENOMEM)) {
        av_packet_unref(packet_.get());
        return AvStatus(sent, "decoding");
      }
      if (sent < 0) ++bad_frames_;
    }
    av_packet_unref(packet_.get());
  }
}

}  // namespace vora::media
