#include "libs/layout/layout.h"
#include "libs/media/captions/subtitle_streams_internal.h"

#include <set>

#include "libs/media/captions/language.h"
#include "libs/media/captions/subtitles.h"
#include "libs/media/captions/webvtt.h"

namespace vora::media {
namespace {

constexpr size_t kMaxTitle = 100;

std::string Tag(const AVStream& stream, const char* key) {
  const AVDictionaryEntry* entry = av_dict_get(stream.metadata, key, nullptr, 0);
  if (entry == nullptr) return {};
  std::string text = CleanText(entry->value, kMaxTitle);
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

// MP4 files name tracks in the handler's description, where most programs leave their own name.
std::string Title(const AVStream& stream) {
  const std::string title = Tag(stream, "title");
  if (!title.empty()) return title;
  const std::string handler = Tag(stream, "handler_name");
  // `andler` is in Handler as in handler.
  for (const char* program : {"andler", "GPAC", "L-SMASH", "Apple"}) {
    if (handler.find(program) != std::string::npos) return {};
  }
  return handler;
}

// `wanted`, or the first of `wanted` + `separator` + 2, 3, ... that is not taken yet.
std::string Unique(const std::string& wanted, const std::string& separator, std::set<std::string>& taken) {
  std::string name = wanted;
  for (int n = 2; !taken.insert(name).second; ++n) name = wanted + separator + std::to_string(n);
  return name;
}

}  // namespace

void DescribeSubtitles(AVFormatContext* context, media::v1::MediaInfo* info) {
  int beyond = 0;
  for (unsigned i = 0; i < context->nb_streams; ++i) {
    const AVStream& stream = *context->streams[i];
    const AVCodecParameters& par = *stream.codecpar;
    if (par.codec_type != AVMEDIA_TYPE_SUBTITLE) continue;
    const std::string codec = avcodec_get_name(par.codec_id), language = LanguageTag(Tag(stream, "language"));
    const AVCodecDescriptor* kind = avcodec_descriptor_get(par.codec_id);
    const bool text = kind != nullptr && (kind->props & AV_CODEC_PROP_TEXT_SUB) != 0;
    if (!text || avcodec_find_decoder(par.codec_id) == nullptr) {
      const bool pictures = kind != nullptr && (kind->props & AV_CODEC_PROP_BITMAP_SUB) != 0;
      info->add_warnings("Subtitle track " + std::to_string(i) + " (" + codec + ", " + language + ") " +
                         (pictures ? "consists of pictures, not of text, and is left out." : "cannot be read and is left out."));
      continue;
    }
    if (info->subtitles_size() == kMaxSubtitleTracks) {
      ++beyond;
      continue;
    }
    auto* subtitles = info->add_subtitles();
    subtitles->set_stream_index(static_cast<int>(i));
    subtitles->set_codec(codec);
    subtitles->set_language(language);
    subtitles->set_title(Title(stream));
    subtitles->set_forced((stream.disposition & AV_DISPOSITION_FORCED) != 0);
    subtitles->set_hearing_impaired((stream.disposition & (AV_DISPOSITION_HEARING_IMPAIRED | AV_DISPOSITION_CAPTIONS)) != 0);
  }
  if (beyond > 0) {
    info->add_warnings("The file has " + std::to_string(kMaxSubtitleTracks + beyond) + " subtitle tracks; the first " +
                       std::to_string(kMaxSubtitleTracks) + " are taken.");
  }
}

std::vector<media::v1::Caption> PlanCaptions(const media::v1::MediaInfo& media) {
  std::vector<media::v1::Caption> captions;
  std::set<std::string> folders, names;
  for (const auto& stream : media.subtitles()) {
    media::v1::Caption caption;
    caption.set_language(LanguageTag(stream.language()));
    caption.set_track(Unique(layout::kCaptionTrackPrefix + caption.language(), "_", folders));
    std::string name = stream.title();
    if (name.empty()) name = LanguageName(caption.language());
    if (name.empty()) name = "Subtitles";
    if (stream.title().empty() && stream.forced()) name += " (forced)";
    if (stream.title().empty() && stream.hearing_impaired()) name += " (SDH)";
    // RFC 8216 section 4.3.4.1.1: the renditions of a group have different names.
    caption.set_name(Unique(name, " ", names));
    caption.set_forced(stream.forced());
    caption.set_hearing_impaired(stream.hearing_impaired());
    captions.push_back(std::move(caption));
  }
  return captions;
}

}  // namespace vora::media
