#include <algorithm>
#include <cmath>

#include "libs/layout/layout.h"
#include "libs/manifest/manifest.h"
#include "libs/manifest/text_internal.h"

namespace vora::manifest {
namespace {

using internal::Fixed;
using internal::HlsQuoted;

constexpr char kAudioGroup[] = "audio";
constexpr char kCaptionGroup[] = "subs";

// While a track grows the ladder's cap is declared: what is still to come may be denser than what is there.
Bandwidth Declared(const Track& track) {
  Bandwidth measured = MeasureBandwidth(track);
  if (!track.complete) measured.peak = std::max(measured.peak, track.max_bitrate);
  return measured;
}

struct AudioGroup {
  std::vector<const Track*> tracks;
  Bandwidth bandwidth{0, 0};  // of the densest member
  std::string codecs;         // of all members, without repeats
};

AudioGroup CollectAudio(const Presentation& presentation) {
  AudioGroup group;
  for (const Track& track : presentation.tracks) {
    if (track.is_video || track.segments.empty()) continue;
    group.tracks.push_back(&track);
    const Bandwidth bandwidth = Declared(track);
    group.bandwidth.peak = std::max(group.bandwidth.peak, bandwidth.peak);
    group.bandwidth.average = std::max(group.bandwidth.average, bandwidth.average);
    if (("," + group.codecs + ",").find("," + track.codecs + ",") == std::string::npos) {
      group.codecs += (group.codecs.empty() ? "" : ",") + track.codecs;
    }
  }
  return group;
}

std::string MediaTag(const Track& track, const std::string& path_prefix, bool is_default) {
  // NAME must be unique within the group (RFC 8216 section 4.3.4.1.1), so where there is no label the folder's name is part of it.
  const std::string unnamed = track.language.empty() ? track.name : track.language + " (" + track.name + ")";
  const std::string& name = track.label.empty() ? unnamed : track.label;
  std::string out = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"" + std::string(kAudioGroup) + "\",NAME=\"" + HlsQuoted(name) + "\"";
  if (!track.language.empty()) out += ",LANGUAGE=\"" + HlsQuoted(track.language) + "\"";
  // A commentary is heard by those who ask for it.
  out +=
      std::string(",DEFAULT=") + (is_default ? "YES" : "NO") + ",AUTOSELECT=" + (is_default || track.role != "commentary" ? "YES" : "NO");
  if (track.role == "description") out += ",CHARACTERISTICS=\"public.accessibility.describes-video\"";
  if (track.channels > 0) out += ",CHANNELS=\"" + std::to_string(track.channels) + "\"";
  return out + ",URI=\"" + HlsQuoted(path_prefix + track.name) + "/" + layout::kMediaPlaylist + "\"\n";
}

// Never DEFAULT: who wants captions asks for them. AUTOSELECT lets players choose by the viewer's settings.
std::string CaptionTag(const Caption& caption, const std::string& path_prefix) {
  std::string out = "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"" + std::string(kCaptionGroup) + "\",NAME=\"" + HlsQuoted(caption.label) + "\"";
  if (!caption.language.empty() && caption.language != "und") out += ",LANGUAGE=\"" + HlsQuoted(caption.language) + "\"";
  out += std::string(",DEFAULT=NO,AUTOSELECT=YES,FORCED=") + (caption.forced ? "YES" : "NO");
  if (caption.hearing_impaired) {
    out += ",CHARACTERISTICS=\"public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound\"";
  }
  return out + ",URI=\"" + HlsQuoted(path_prefix + caption.name) + "/" + layout::kMediaPlaylist + "\"\n";
}

std::string StreamTag(const Track& track, const std::string& path_prefix, const AudioGroup& audio, bool captions) {
  // RFC 8216 section 4.3.4.2: BANDWIDTH and CODECS cover the variant with the densest of the renditions that it may be played with.
  const Bandwidth video = Declared(track);
  std::string codecs = track.codecs;
  if (!audio.codecs.empty()) codecs += "," + audio.codecs;
  std::string out = "#EXT-X-STREAM-INF:BANDWIDTH=" + std::to_string(video.peak + audio.bandwidth.peak) +
                    ",AVERAGE-BANDWIDTH=" + std::to_string(video.average + audio.bandwidth.average) + ",CODECS=\"" + HlsQuoted(codecs) +
                    "\",RESOLUTION=" + std::to_string(track.width) + "x" + std::to_string(track.height);
  if (track.frame_rate_num > 0) out += ",FRAME-RATE=" + Fixed(track.frame_rate_num, track.frame_rate_den, 3);
  if (!audio.tracks.empty()) out += ",AUDIO=\"" + std::string(kAudioGroup) + "\"";
  if (captions) out += ",SUBTITLES=\"" + std::string(kCaptionGroup) + "\"";
  return out + "\n" + path_prefix + track.name + "/" + layout::kMediaPlaylist + "\n";
}

// What there is without pictures: the first track, the others beside it.
std::string AudioStreamTag(const AudioGroup& audio, const Presentation& presentation) {
  std::string out;
  const bool choice = audio.tracks.size() > 1;
  for (const Track* track : audio.tracks) {
    if (choice) out += MediaTag(*track, presentation.path_prefix, track == audio.tracks.front());
  }
  for (const Caption& caption : presentation.captions) out += CaptionTag(caption, presentation.path_prefix);
  out += "#EXT-X-STREAM-INF:BANDWIDTH=" + std::to_string(audio.bandwidth.peak) +
         ",AVERAGE-BANDWIDTH=" + std::to_string(audio.bandwidth.average) + ",CODECS=\"" + HlsQuoted(audio.codecs) + "\"";
  if (choice) out += ",AUDIO=\"" + std::string(kAudioGroup) + "\"";
  if (!presentation.captions.empty()) out += ",SUBTITLES=\"" + std::string(kCaptionGroup) + "\"";
  return out + "\n" + presentation.path_prefix + audio.tracks.front()->name + "/" + layout::kMediaPlaylist + "\n";
}

// RFC 8216 section 4.3.3.1: no EXTINF, rounded to whole seconds, may exceed it. It never changes while the playlist grows,
// because every segment but an odd one lasts the planned time.
int64_t TargetDuration(const Track& track, double target_segment_seconds) {
  int64_t target = std::max<int64_t>(1, std::llround(target_segment_seconds));
  for (const Segment& segment : track.segments) {
    if (track.timescale > 0) target = std::max(target, (segment.duration + track.timescale / 2) / track.timescale);
  }
  return target;
}

}  // namespace

std::string HlsMaster(const Presentation& presentation) {
  const AudioGroup audio = CollectAudio(presentation);
  std::string out = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n";
  const bool has_picture =
      std::any_of(presentation.tracks.begin(), presentation.tracks.end(), [](const Track& track) { return track.is_video; });
  // The sound is the variant itself then (RFC 8216 section 8.7 shows the same).
  if (!has_picture && !audio.tracks.empty()) return out + AudioStreamTag(audio, presentation);
  for (const Track* track : audio.tracks) out += MediaTag(*track, presentation.path_prefix, track == audio.tracks.front());
  for (const Caption& caption : presentation.captions) out += CaptionTag(caption, presentation.path_prefix);
  for (const Track& track : presentation.tracks) {
    if (track.is_video && !track.segments.empty()) out += StreamTag(track, presentation.path_prefix, audio, !presentation.captions.empty());
  }
  return out;
}

// The cues' clock is the presentation's, which begins at 0: without X-TIMESTAMP-MAP that is what players take (RFC 8216 section 3.5).
std::string HlsCaption(double duration_seconds) {
  const int64_t target = std::max<int64_t>(1, std::llround(std::ceil(duration_seconds)));
  return "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:" + std::to_string(target) +
         "\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:" + internal::Seconds(duration_seconds) + ",\n" +
         layout::kCaptionSegment + "\n#EXT-X-ENDLIST\n";
}

std::string HlsMedia(const Track& track, double target_segment_seconds) {
  std::string out = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:" + std::to_string(TargetDuration(track, target_segment_seconds)) +
                    "\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:" + (track.complete ? "VOD" : "EVENT") +
                    "\n#EXT-X-INDEPENDENT-SEGMENTS\n";
  // A growing playlist looks live: without this, players begin near its end.
  if (!track.complete) out += "#EXT-X-START:TIME-OFFSET=0\n";
  out += std::string("#EXT-X-MAP:URI=\"") + layout::kInit + "\"\n";
  for (const Segment& segment : track.segments) {
    out += "#EXTINF:" + Fixed(segment.duration, track.timescale, 6) + ",\n" + layout::Segment(segment.index) + "\n";
  }
  if (track.complete) out += "#EXT-X-ENDLIST\n";
  return out;
}

}  // namespace vora::manifest
