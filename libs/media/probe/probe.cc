#include "libs/media/probe/probe.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <new>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "libs/core/error.h"
#include "libs/media/audio/audio_check.h"
#include "libs/media/base/frame_grid.h"
#include "libs/media/base/media_error.h"
#include "libs/media/base/source_limits.h"
#include "libs/media/captions/language.h"
#include "libs/media/captions/stream_names_internal.h"
#include "libs/media/captions/subtitle_streams_internal.h"
#include "libs/media/input/container_kind.h"
#include "libs/media/input/mp4_check.h"
#include "libs/media/probe/extent_internal.h"
#include "libs/media/video/video_reader_internal.h"

namespace vora::media {
namespace {

using media::v1::MediaInfo;
using media::v1::VideoStream;

constexpr size_t kMaxAudioTracks = 8;
constexpr int kMostPackets = 1000;  // to look at for the first one of the picture

double Start(const AVStream& stream) {
  return stream.start_time == AV_NOPTS_VALUE ? 0 : static_cast<double>(stream.start_time) * av_q2d(stream.time_base);
}

std::string AudioTrack(const AVStream& stream) {
  return "Audio track " + std::to_string(stream.index) + " (" + avcodec_get_name(stream.codecpar->codec_id) + ")";
}

// Why the stream is left out; empty: it is not.
std::string WhyNotHeard(const AVStream& stream, const std::map<int, std::string>& silent) {
  const AVCodecParameters& par = *stream.codecpar;
  if (const auto why = silent.find(stream.index); why != silent.end()) return why->second + ", and is left out.";
  if (par.sample_rate <= 0 || par.ch_layout.nb_channels <= 0) return "does not say what it holds, and is left out.";
  const SourceLimits& limits = ActiveSourceLimits();
  if (par.ch_layout.nb_channels <= limits.max_channels && par.sample_rate <= limits.max_sample_rate && par.sample_rate >= kMinSampleRate) {
    return "";
  }
  return "has " + std::to_string(par.ch_layout.nb_channels) + " channels of " + std::to_string(par.sample_rate) +
         " samples a second; at most " + std::to_string(limits.max_channels) + " channels of " + std::to_string(kMinSampleRate) + " to " +
         std::to_string(limits.max_sample_rate) + " are taken, so it is left out (VORA_MAX_SOURCE_CHANNELS, VORA_MAX_SOURCE_SAMPLE_RATE).";
}

std::string RoleOf(const AVStream& stream) {
  if ((stream.disposition & AV_DISPOSITION_COMMENT) != 0) return "commentary";
  if ((stream.disposition & (AV_DISPOSITION_VISUAL_IMPAIRED | AV_DISPOSITION_DESCRIPTIONS)) != 0) return "description";
  return "";
}

media::v1::AudioStream DescribeAudioStream(const AVFormatContext& context, const AVStream& stream) {
  const AVCodecParameters& par = *stream.codecpar;
  media::v1::AudioStream audio;
  audio.set_stream_index(stream.index);
  audio.set_codec(avcodec_get_name(par.codec_id));
  audio.set_sample_rate(par.sample_rate);
  audio.set_channels(par.ch_layout.nb_channels);
  audio.set_start_seconds(Start(stream));
  double duration = stream.duration > 0 ? static_cast<double>(stream.duration) * av_q2d(stream.time_base) : 0;
  if (duration <= 0 && context.duration > 0) duration = static_cast<double>(context.duration) / AV_TIME_BASE;
  audio.set_duration_seconds(duration);
  const std::string language = LanguageTag(StreamTag(stream, "language"));
  if (language != "und") audio.set_language(language);
  audio.set_role(RoleOf(stream));
  return audio;
}

// Of several recordings in one broadcast, the sound of another is none of the film's.
bool OfAnotherProgram(AVFormatContext* context, int video, int stream) {
  if (av_find_program_from_stream(context, nullptr, video) == nullptr) return false;
  for (AVProgram* program = nullptr; (program = av_find_program_from_stream(context, program, stream)) != nullptr;) {
    for (unsigned i = 0; i < program->nb_stream_indexes; ++i) {
      if (program->stream_index[i] == static_cast<unsigned>(video)) return false;
    }
  }
  return av_find_program_from_stream(context, nullptr, stream) != nullptr;
}

void DescribeAudio(AVFormatContext* context, int video, const std::map<int, std::string>& silent, MediaInfo* info) {
  std::vector<const AVStream*> heard;
  for (unsigned i = 0; i < context->nb_streams; ++i) {
    const AVStream& stream = *context->streams[i];
    if (stream.codecpar->codec_type != AVMEDIA_TYPE_AUDIO || OfAnotherProgram(context, video, stream.index)) continue;
    if (const std::string why = WhyNotHeard(stream, silent); why.empty()) {
      heard.push_back(&stream);
    } else {
      info->add_warnings(AudioTrack(stream) + " " + why);
    }
  }
  // What is heard unasked comes first: the film's own sound, which is marked as default if any is.
  const auto rank = [](const AVStream* stream) {
    const bool marked = (stream->disposition & AV_DISPOSITION_DEFAULT) != 0;
    const bool other = (stream->disposition & (AV_DISPOSITION_HEARING_IMPAIRED | AV_DISPOSITION_KARAOKE | AV_DISPOSITION_DEPENDENT)) != 0;
    return std::tuple(!RoleOf(*stream).empty(), other, !marked);
  };
  std::stable_sort(heard.begin(), heard.end(), [&](const AVStream* a, const AVStream* b) { return rank(a) < rank(b); });
  if (heard.size() > kMaxAudioTracks) {
    info->add_warnings("The file has " + std::to_string(heard.size()) + " audio tracks; " + std::to_string(kMaxAudioTracks) +
                       " are taken.");
    heard.resize(kMaxAudioTracks);
  }
  std::set<std::string> names;
  for (const AVStream* stream : heard) {
    media::v1::AudioStream audio = DescribeAudioStream(*context, *stream);
    std::string name = StreamTitle(*stream);
    if (name.empty()) {
      name = LanguageName(audio.language());
      if (audio.role() == "commentary") name += name.empty() ? "Commentary" : " (commentary)";
      if (audio.role() == "description") name += name.empty() ? "Audio description" : " (audio description)";
      if (name.empty()) name = "Audio";
    }
    audio.set_name(UniqueName(name, " ", names));
    *info->add_audio() = std::move(audio);
  }
}

// "" for what the file does not say.
const char* Known(const char* name) {
  constexpr std::string_view kNotSaid[] = {"unknown", "reserved"};
  return name == nullptr || std::find(std::begin(kNotSaid), std::end(kNotSaid), name) != std::end(kNotSaid) ? "" : name;
}

void DescribePicture(VideoReader& reader, const AVFrame& frame, bool turned, VideoStream* video) {
  AVFormatContext* context = reader.input().context();
  AVStream* stream = reader.stream();
  AVRational sar = av_guess_sample_aspect_ratio(context, stream, nullptr);
  // A shape that no camera makes is an error of the file; believed, it would make frames of thousands of columns.
  if (sar.num <= 0 || sar.den <= 0 || av_q2d(sar) > 10 || av_q2d(sar) < 0.1) sar = {1, 1};
  int width = frame.width, height = frame.height;
  // The frame is upright already; the aspect ratio is of the stored picture.
  if (turned) std::swap(width, height);
  width = std::max(1, static_cast<int>(std::lround(width * av_q2d(sar))));
  if (turned) std::swap(width, height);
  video->set_stream_index(stream->index);
  video->set_codec(avcodec_get_name(stream->codecpar->codec_id));
  video->set_width(width);
  video->set_height(height);
  video->set_rotation_degrees(RotationDegrees(stream));
  const char* format = av_get_pix_fmt_name(static_cast<AVPixelFormat>(frame.format));
  video->set_pixel_format(format == nullptr ? "unknown" : format);
  media::v1::Color& color = *video->mutable_color();
  color.set_primaries(Known(av_color_primaries_name(frame.color_primaries)));
  color.set_transfer(Known(av_color_transfer_name(frame.color_trc)));
  color.set_matrix(Known(av_color_space_name(frame.colorspace)));
  color.set_range(Known(av_color_range_name(frame.color_range)));
}

Status DescribeTiming(VideoReader& reader, ByteSource& source, double start, MediaInfo* info) {
  AVStream* stream = reader.stream();
  Rate average = {stream->avg_frame_rate.num, stream->avg_frame_rate.den};
  const Rate common = {stream->r_frame_rate.num, stream->r_frame_rate.den};
  const double frame_seconds = average.num > 0 ? 1 / average.per_second() : (common.num > 0 ? 1 / common.per_second() : 1.0 / 25);
  VORA_ASSIGN_OR_RETURN(const Extent extent, MeasureExtent(reader, source, frame_seconds));
  // What the container reckons from a length that is wrong is wrong too.
  if ((average.num <= 0 || extent.trimmed) && extent.packets > 1 && extent.scanned_seconds > 0) {
    average = {static_cast<int>(std::lround(static_cast<double>(extent.packets) / extent.scanned_seconds * 1000)), 1000};
  }
  const Rate rate = ChooseOutputRate(average, common);
  VideoStream* video = info->mutable_video();
  video->set_frame_rate_num(rate.num);
  video->set_frame_rate_den(rate.den);
  video->set_start_seconds(start);
  const double length = std::max(0.0, extent.end_seconds - start);
  const double limit = ActiveSourceLimits().max_duration_seconds;
  // This way round, so that NaN, which made-up files lead to, is refused as well.
  if (!(length <= limit)) {
    return MakeError(errors::kMediaTooLong, "The video lasts " + SecondsText(length) + "; at most " + SecondsText(limit) +
                                                " are taken (VORA_MAX_SOURCE_DURATION).");
  }
  video->set_frames(std::max<int64_t>(1, std::llround(length * rate.per_second())));
  info->set_duration_seconds(static_cast<double>(video->frames()) * rate.den / rate.num);
  if (extent.cut_off) {
    info->add_warnings(std::string(extent.trimmed ? "The file overstates its length" : "The file is cut off") + ": it promises " +
                       SecondsText(extent.promised_seconds - start) + " but holds only " + SecondsText(length) +
                       ". What is there is used.");
  }
  return {};
}

}  // namespace

namespace {

StatusOr<bool> IsPictureEncrypted(Input& input, int index) {
  if (IsEncrypted(*input.stream(index))) return true;
  input.KeepOnly(index);
  PacketPtr packet(av_packet_alloc());
  if (!packet) return ResourceExhausted("out of memory");
  for (int looked = 0; looked < kMostPackets; ++looked) {
    VORA_ASSIGN_OR_RETURN(const bool some, input.Read(packet.get()));
    if (!some) return false;
    if (packet->stream_index == index) return IsEncrypted(*packet);
    av_packet_unref(packet.get());
  }
  return false;
}

StatusOr<MediaInfo> ProbeWithin(ByteSource& source) {
  std::string head(kHeadBytes, '\0');
  VORA_ASSIGN_OR_RETURN(const size_t got, source.ReadAt(0, head.data(), head.size()));
  VORA_RETURN_IF_ERROR(CheckIsVideo(std::string_view(head).substr(0, got)));
  VORA_RETURN_IF_ERROR(CheckMp4(source, ActiveSourceLimits()));
  VORA_ASSIGN_OR_RETURN(std::unique_ptr<Input> input, Input::Open(source));
  const int index = FindVideoStream(input->context());
  if (index < 0) {
    const int audio = av_find_best_stream(input->context(), AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0);
    return audio >= 0 ? MakeError(errors::kMediaNoVideo, "The file has audio but no video.")
                      : MakeError(errors::kMediaUnreadable, "Neither video nor audio was found in the file.");
  }
  VORA_ASSIGN_OR_RETURN(const bool encrypted, IsPictureEncrypted(*input, index));
  if (encrypted) {
    return MakeError(errors::kMediaEncrypted, "The picture is encrypted; upload the file without its protection.");
  }
  VORA_RETURN_IF_ERROR(CheckPictureSize(input->stream(index)->codecpar->width, input->stream(index)->codecpar->height));
  std::vector<int> sound;
  for (unsigned i = 0; i < input->context()->nb_streams; ++i) {
    if (input->stream(static_cast<int>(i))->codecpar->codec_type == AVMEDIA_TYPE_AUDIO) sound.push_back(static_cast<int>(i));
  }
  // A source belongs to one reader at a time.
  input.reset();
  VORA_ASSIGN_OR_RETURN(const auto silent, FindSilentStreams(source, sound));

  VORA_ASSIGN_OR_RETURN(std::unique_ptr<VideoReader> reader, VideoReader::Open(source, index, 1));
  FramePtr frame(av_frame_alloc());
  double start = 0;
  VORA_ASSIGN_OR_RETURN(const bool some, reader->Next(frame.get(), &start));
  if (!some) {
    return MakeError(errors::kMediaUnreadable, std::string("Not one picture of the ") +
                                                   avcodec_get_name(reader->stream()->codecpar->codec_id) +
                                                   " video could be decoded: the file is damaged.");
  }
  MediaInfo info;
  info.set_container(reader->input().context()->iformat->name);
  info.set_bytes(source.size());
  const int rotation = RotationDegrees(reader->stream());
  DescribePicture(*reader, *frame, rotation == 90 || rotation == 270, info.mutable_video());
  VORA_RETURN_IF_ERROR(CheckPictureSize(info.video().width(), info.video().height()));
  const VideoColor color = reader->color();
  if (color.transfer == AVCOL_TRC_SMPTE2084 || color.transfer == AVCOL_TRC_ARIB_STD_B67) {
    info.add_warnings("The picture is HDR; it is kept with its tags in 8 bits and may look flat on ordinary screens.");
  }
  DescribeAudio(reader->input().context(), index, silent, &info);
  DescribeSubtitles(reader->input().context(), &info);
  VORA_RETURN_IF_ERROR(DescribeTiming(*reader, source, start, &info));
  return info;
}

}  // namespace

StatusOr<MediaInfo> Probe(ByteSource& source) {
  StatusOr<MediaInfo> info = MakeError(errors::kMediaTooLarge, "");
  try {
    info = ProbeWithin(source);
  } catch (const std::bad_alloc&) {
    info = ResourceExhausted("out of memory");
  }
  // The same file would need as much again.
  if (info.status().code() == StatusCode::kResourceExhausted) {
    return MakeError(
        errors::kMediaTooLarge,
        "To find out what is in the file takes more memory than one process may have (VORA_WORKER_MEMORY_LIMIT), or it has many "
        "thousands of tracks.");
  }
  return info;
}

}  // namespace vora::media
