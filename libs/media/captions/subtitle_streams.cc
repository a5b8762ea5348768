#include "libs/layout/layout.h"
#include "libs/media/captions/subtitle_streams_internal.h"

#include <set>

#include "libs/media/captions/language.h"
#include "libs/media/captions/stream_names_internal.h"
#include "libs/media/captions/subtitles.h"

namespace vora::media {
void DescribeSubtitles(AVFormatContext* context, media::v1::MediaInfo* info) {
  int beyond = 0;
  for (unsigned i = 0; i < context->nb_streams; ++i) {
    const AVStream& stream = *context->streams[i];
    const AVCodecParameters& par = *stream.codecpar;
    if (par.codec_type != AVMEDIA_TYPE_SUBTITLE) continue;
    const std::string codec = avcodec_get_name(par.codec_id), language = LanguageTag(StreamTag(stream, "language"));
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
    subtitles->set_title(StreamTitle(stream));
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
    caption.set_track(UniqueName(layout::kCaptionTrackPrefix + caption.language(), "_", folders));
    std::string name = stream.title();
    if (name.empty()) name = LanguageName(caption.language());
    if (name.empty()) name = "Subtitles";
    if (stream.title().empty() && stream.forced()) name += " (forced)";
    if (stream.title().empty() && stream.hearing_impaired()) name += " (SDH)";
    // RFC 8216 section 4.3.4.1.1: the renditions of a group have different names.
    caption.set_name(UniqueName(name, " ", names));
    caption.set_forced(stream.forced());
    caption.set_hearing_impaired(stream.hearing_impaired());
    captions.push_back(std::move(caption));
  }
  return captions;
}

}  // namespace vora::media
