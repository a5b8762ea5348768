#include <algorithm>
#include <cmath>
#include <numeric>

#include "libs/layout/layout.h"
#include "libs/manifest/manifest.h"
#include "libs/manifest/text_internal.h"

namespace vora::manifest {
namespace {

using internal::Seconds;
using internal::XmlAttribute;
using internal::XmlTime;

std::string Attribute(const char* name, const std::string& value) { return std::string(" ") + name + "=\"" + XmlAttribute(value) + "\""; }
std::string Attribute(const char* name, int64_t value) { return Attribute(name, std::to_string(value)); }

std::string Rational(int64_t num, int64_t den) {
  if (den <= 0) den = 1;
  const int64_t common = std::max<int64_t>(1, std::gcd(num, den));
  return den == common ? std::to_string(num / common) : std::to_string(num / common) + "/" + std::to_string(den / common);
}

std::string Aspect(int width, int height) {
  const int common = std::max(1, std::gcd(width, height));
  return std::to_string(width / common) + ":" + std::to_string(height / common);
}

// ISO/IEC 23009-1 section 5.2: `$` begins an identifier in a template; a literal one is doubled.
std::string TemplateText(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '$' ? std::string("$$") : std::string(1, c);
  return out;
}

std::string SegmentTemplate(const Track& track, const std::string& path_prefix) {
  const std::string folder = TemplateText(path_prefix) + "$RepresentationID$/";
  std::string out = "        <SegmentTemplate" + Attribute("timescale", track.timescale) + Attribute("startNumber", 0) +
                    Attribute("initialization", folder + layout::kInit) + Attribute("media", folder + layout::kSegmentTemplate) +
                    ">\n          <SegmentTimeline>\n";
  for (size_t i = 0; i < track.segments.size();) {
    size_t end = i + 1;
    while (end < track.segments.size() && track.segments[end].duration == track.segments[i].duration) ++end;
    // `t` stands once: without it a segment begins where the one before ends (ISO/IEC 23009-1 section 5.3.9.6).
    out += "            <S" + (i == 0 ? Attribute("t", 0) : "") + Attribute("d", track.segments[i].duration);
    if (end - i > 1) out += Attribute("r", static_cast<int64_t>(end - i - 1));
    out += "/>\n";
    i = end;
  }
  return out + "          </SegmentTimeline>\n        </SegmentTemplate>\n";
}

std::string RepresentationTag(const Track& track) {
  int64_t bandwidth = MeasureBandwidth(track).peak;
  // What is still to come may be denser than what is there, and players plan with the figure from the beginning.
  if (!track.complete) bandwidth = std::max(bandwidth, track.max_bitrate);
  return "      <Representation" + Attribute("id", track.name) + Attribute("codecs", track.codecs) + Attribute("bandwidth", bandwidth);
}

std::string VideoSet(const std::vector<const Track*>& tracks, const std::string& path_prefix) {
  const Track& largest =
      **std::max_element(tracks.begin(), tracks.end(), [](const Track* a, const Track* b) { return a->width < b->width; });
  int max_height = 0;
  for (const Track* track : tracks) max_height = std::max(max_height, track->height);
  std::string out = "    <AdaptationSet" + Attribute("id", 0) + Attribute("contentType", "video") + Attribute("mimeType", "video/mp4") +
                    Attribute("segmentAlignment", "true") + Attribute("startWithSAP", 1) + Attribute("maxWidth", largest.width) +
                    Attribute("maxHeight", max_height) + Attribute("par", Aspect(largest.width, largest.height)) + ">\n";
  for (const Track* track : tracks) {
    out += RepresentationTag(*track) + Attribute("width", track->width) + Attribute("height", track->height);
    if (track->frame_rate_num > 0) out += Attribute("frameRate", Rational(track->frame_rate_num, track->frame_rate_den));
    out += Attribute("sar", "1:1") + ">\n" + SegmentTemplate(*track, path_prefix) + "      </Representation>\n";
  }
  return out + "    </AdaptationSet>\n";
}

// ISO/IEC 23091-3 ChannelConfiguration of the usual layout with this many channels.
int ChannelConfiguration(int channels) {
  if (channels == 7) return 11;
  if (channels == 8) return 12;
  return channels;
}

// The characters of an XML text node; what an attribute needs escaped is more than enough.
std::string XmlText(const std::string& text) { return XmlAttribute(text); }

std::string AudioSet(const Track& track, int id, bool is_main, const std::string& path_prefix) {
  std::string out = "    <AdaptationSet" + Attribute("id", id) + Attribute("contentType", "audio") + Attribute("mimeType", "audio/mp4");
  if (!track.language.empty()) out += Attribute("lang", track.language);
  out += Attribute("segmentAlignment", "true") + Attribute("startWithSAP", 1) + ">\n";
  if (!track.label.empty()) out += "      <Label>" + XmlText(track.label) + "</Label>\n";
  // TV-Anytime's AudioPurposeCS 1: for those who do not see the picture (ISO/IEC 23009-1 section 5.8.5.5 knows no role for it).
  if (track.role == "description") {
    out += "      <Accessibility" + Attribute("schemeIdUri", "urn:tva:metadata:cs:AudioPurposeCS:2007") + Attribute("value", 1) + "/>\n";
  }
  const char* role = track.role == "commentary" ? "commentary" : is_main ? "main" : "alternate";
  out += "      <Role" + Attribute("schemeIdUri", "urn:mpeg:dash:role:2011") + Attribute("value", role) + "/>\n";
  out += RepresentationTag(track);
  if (track.sample_rate > 0) out += Attribute("audioSamplingRate", track.sample_rate);
  out += ">\n";
  if (track.channels > 0) {
    out += "        <AudioChannelConfiguration" + Attribute("schemeIdUri", "urn:mpeg:dash:23003:3:audio_channel_configuration:2011") +
           Attribute("value", ChannelConfiguration(track.channels)) + "/>\n";
  }
  return out + SegmentTemplate(track, path_prefix) + "      </Representation>\n    </AdaptationSet>\n";
}

std::string CaptionSet(const Caption& caption, int id, double duration_seconds, const std::string& path_prefix) {
  const double bits = static_cast<double>(caption.bytes) * 8 / std::max(1.0, duration_seconds);
  std::string out = "    <AdaptationSet" + Attribute("id", id) + Attribute("contentType", "text") + Attribute("mimeType", "text/vtt");
  if (!caption.language.empty()) out += Attribute("lang", caption.language);
  const char* role = caption.forced ? "forced-subtitle" : caption.hearing_impaired ? "caption" : "subtitle";
  return out + ">\n      <Label>" + XmlText(caption.label) + "</Label>\n      <Role" + Attribute("schemeIdUri", "urn:mpeg:dash:role:2011") +
         Attribute("value", role) + "/>\n      <Representation" + Attribute("id", caption.name) +
         // The attribute is mandatory, and 0 would be a representation without data.
         Attribute("bandwidth", std::max<int64_t>(1, static_cast<int64_t>(bits))) + ">\n        <BaseURL>" +
         XmlText(path_prefix + caption.name) + "/" + layout::kCaptionSegment +
         "</BaseURL>\n      </Representation>\n    </AdaptationSet>\n";
}

double LongestSegment(const Presentation& presentation) {
  double longest = presentation.target_segment_seconds;
  for (const Track& track : presentation.tracks) {
    for (const Segment& segment : track.segments) {
      longest = std::max(longest, static_cast<double>(segment.duration) / std::max(1, track.timescale));
    }
  }
  return longest;
}

// A dynamic MPD that declares its whole duration is a recording in progress (ISO/IEC 23009-1 section 5.3.1.2): players may begin at its
// start. The clock is sent along, so that a viewer's wrong clock does not hide segments.
std::string MpdAttributes(const Presentation& presentation, int64_t start_unix_ms, int64_t now_unix_ms) {
  const std::string target = "PT" + Seconds(presentation.target_segment_seconds) + "S";
  std::string out = Attribute("type", presentation.complete ? "static" : "dynamic");
  if (!presentation.complete) {
    out += Attribute("availabilityStartTime", XmlTime(start_unix_ms)) + Attribute("publishTime", XmlTime(now_unix_ms)) +
           Attribute("minimumUpdatePeriod", "PT2S") + Attribute("suggestedPresentationDelay", target);
  }
  return out + Attribute("mediaPresentationDuration", "PT" + Seconds(presentation.duration_seconds) + "S") +
         Attribute("minBufferTime", target) + Attribute("maxSegmentDuration", "PT" + Seconds(LongestSegment(presentation)) + "S");
}

}  // namespace

std::string DashMpd(const Presentation& presentation, int64_t start_unix_ms, int64_t now_unix_ms) {
  std::vector<const Track*> video, audio;
  for (const Track& track : presentation.tracks) {
    if (!track.segments.empty()) (track.is_video ? video : audio).push_back(&track);
  }
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<MPD" + Attribute("xmlns", "urn:mpeg:dash:schema:mpd:2011") +
                    Attribute("profiles", "urn:mpeg:dash:profile:isoff-live:2011") +
                    MpdAttributes(presentation, start_unix_ms, now_unix_ms) + ">\n  <Period" + Attribute("id", 0) +
                    Attribute("start", "PT0S") + ">\n";
  if (!video.empty()) out += VideoSet(video, presentation.path_prefix);
  int id = 1;
  for (const Track* track : audio) {
    out += AudioSet(*track, id, id == 1, presentation.path_prefix);
    ++id;
  }
  for (const Caption& caption : presentation.captions) {
    out += CaptionSet(caption, id++, presentation.duration_seconds, presentation.path_prefix);
  }
  out += "  </Period>\n";
  if (!presentation.complete) {
    out += "  <UTCTiming" + Attribute("schemeIdUri", "urn:mpeg:dash:utc:direct:2014") + Attribute("value", XmlTime(now_unix_ms)) + "/>\n";
  }
  return out + "</MPD>\n";
}

}  // namespace vora::manifest
