#include "libs/media/captions/subtitles.h"

#include <algorithm>
#include <map>

#include "libs/media/captions/webvtt.h"
#include "libs/media/input/input_internal.h"

namespace vora::media {
namespace {

constexpr size_t kMaxCueBytes = 2000;
constexpr size_t kMaxCues = 50'000;
constexpr double kUnknownLength = 5;  // seconds shown when the file does not say, and nothing follows

// One stream's decoder and what it gave so far.
class Stream {
 public:
  explicit Stream(const media::v1::SubtitleStream& description) : description_(description) {}

  Status Open(const AVStream& stream) {
    const AVCodec* codec = avcodec_find_decoder(stream.codecpar->codec_id);
    if (codec == nullptr) return {};
    decoder_.reset(avcodec_alloc_context3(codec));
    if (!decoder_) return ResourceExhausted("out of memory");
    avcodec_parameters_to_context(decoder_.get(), stream.codecpar);
    decoder_->pkt_timebase = stream.time_base;
    const int opened = avcodec_open2(decoder_.get(), codec, nullptr);
    if (opened == AVERROR(ENOMEM)) return AvStatus(opened, "cannot open the decoder");
    if (opened < 0) {
      decoder_.reset();
      ++unreadable_;
    }
    return {};
  }

  // Times on the source's clock, less `start`.
  void Take(AVPacket* packet, double start) {
    if (!decoder_ || cues_.size() >= kMaxCues || bytes_ > kMaxSubtitleBytes) {
      cut_ = cut_ || decoder_;
      return;
    }
    AVSubtitle subtitle = {};
    int got = 0;
    const int result = avcodec_decode_subtitle2(decoder_.get(), &subtitle, &got, packet);
    if (result < 0) ++unreadable_;
    if (result >= 0 && got != 0 && subtitle.pts != AV_NOPTS_VALUE) Add(subtitle, start);
    avsubtitle_free(&subtitle);
  }

  // Sets what is missing, and writes.
  WebVtt Write(double duration) {
    std::stable_sort(cues_.begin(), cues_.end(), [](const Cue& a, const Cue& b) { return a.start_seconds < b.start_seconds; });
    for (size_t i = 0; i < cues_.size(); ++i) {
      if (cues_[i].end_seconds > cues_[i].start_seconds) continue;
      cues_[i].end_seconds = cues_[i].start_seconds + kUnknownLength;
      const auto next = std::find_if(cues_.begin() + static_cast<std::ptrdiff_t>(i), cues_.end(),
                                     [&](const Cue& c) { return c.start_seconds > cues_[i].start_seconds; });
      if (next != cues_.end()) cues_[i].end_seconds = std::min(cues_[i].end_seconds, next->start_seconds);
    }
    WebVtt vtt = WriteWebVtt(std::move(cues_), duration, kMaxSubtitleBytes);
    cut_ = cut_ || vtt.cut;
    return vtt;
  }

  void Warn(int cues, std::vector<std::string>* warnings) const {
    const std::string track = "Subtitle track " + std::to_string(description_.stream_index()) + " (" + description_.codec() + ", " +
                              description_.language() + ") ";
    if (cues == 0) {
      warnings->push_back(track + (unreadable_ > 0 ? "holds no text that can be read and is left out." : "is empty and left out."));
    } else if (unreadable_ > 0) {
      const std::string entries =
          unreadable_ == 1 ? "one entry that cannot be read and is" : std::to_string(unreadable_) + " entries that cannot be read and are";
      warnings->push_back(track + "holds " + entries + " left out.");
    }
    if (cut_ && cues > 0) warnings->push_back(track + "is too large; its end is left out.");
  }

 private:
  void Add(const AVSubtitle& subtitle, double start) {
    std::string text;
    for (unsigned i = 0; i < subtitle.num_rects; ++i) {
      const AVSubtitleRect& rect = *subtitle.rects[i];
      const char* line = rect.type == SUBTITLE_ASS ? rect.ass : rect.text;
      if (line == nullptr) continue;
      std::string_view field = line;
      // ReadOrder, Layer, Style, Name, MarginL, MarginR, MarginV, Effect, Text
      for (int comma = 0; rect.type == SUBTITLE_ASS && comma < 8; ++comma) {
        const size_t at = field.find(',');
        field.remove_prefix(at == std::string_view::npos ? field.size() : at + 1);
      }
      text += (text.empty() ? "" : "\n") + (rect.type == SUBTITLE_ASS ? PlainFromAss(field) : std::string(field));
    }
    Cue cue;
    const double at = static_cast<double>(subtitle.pts) / AV_TIME_BASE - start;
    cue.start_seconds = at + subtitle.start_display_time / 1000.0;
    // UINT32_MAX is FFmpeg's word for "until something clears it".
    const bool known = subtitle.end_display_time > subtitle.start_display_time && subtitle.end_display_time != UINT32_MAX;
    cue.end_seconds = known ? at + subtitle.end_display_time / 1000.0 : cue.start_seconds;
    cue.text = CleanText(text, kMaxCueBytes);
    // About what a timing line and the line breaks take; the writer counts exactly.
    bytes_ += cue.text.size() + 40;
    if (!cue.text.empty()) cues_.push_back(std::move(cue));
  }

  const media::v1::SubtitleStream& description_;
  CodecPtr decoder_;
  std::vector<Cue> cues_;
  size_t bytes_ = 0;
  int64_t unreadable_ = 0;
  bool cut_ = false;
};

}  // namespace

Status ExtractSubtitles(ByteSource& source, const media::v1::MediaInfo& media, const std::function<Status(SubtitleTrack)>& on_track,
                        std::vector<std::string>* warnings) {
  VORA_ASSIGN_OR_RETURN(std::unique_ptr<Input> input, Input::Open(source));
  // All off, then the wanted ones on: the rest of the file is skipped where the container allows it.
  input->KeepOnly(-1);
  std::map<int, Stream> streams;  // by index in the file
  for (const auto& description : media.subtitles()) {
    const int index = description.stream_index();
    if (index < 0 || index >= static_cast<int>(input->context()->nb_streams)) continue;
    AVStream* stream = input->stream(index);
    if (stream->codecpar->codec_type != AVMEDIA_TYPE_SUBTITLE) continue;
    stream->discard = AVDISCARD_DEFAULT;
    VORA_RETURN_IF_ERROR(streams.try_emplace(index, description).first->second.Open(*stream));
  }
  PacketPtr packet(av_packet_alloc());
  for (;;) {
    VORA_ASSIGN_OR_RETURN(const bool some, input->Read(packet.get()));
    if (!some) break;
    const auto stream = streams.find(packet->stream_index);
    if (stream != streams.end()) stream->second.Take(packet.get(), media.video().start_seconds());
    av_packet_unref(packet.get());
  }
  for (int i = 0; i < media.subtitles_size(); ++i) {
    const auto stream = streams.find(media.subtitles(i).stream_index());
    if (stream == streams.end()) continue;
    WebVtt vtt = stream->second.Write(media.duration_seconds());
    stream->second.Warn(vtt.cues, warnings);
    if (vtt.cues > 0) VORA_RETURN_IF_ERROR(on_track({i, std::move(vtt.text), vtt.cues}));
  }
  return {};
}

}  // namespace vora::media
