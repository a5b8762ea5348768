#pragma once

// Playlist and manifest text. Pure functions of a Presentation.
// HLS: RFC 8216bis (version 7, fMP4). DASH: ISO/IEC 23009-1, profile urn:mpeg:dash:profile:isoff-live:2011 with SegmentTimeline.

#include <cstdint>
#include <string>
#include <vector>

namespace vora::manifest {

struct Segment {
  int index = 0;
  int64_t duration = 0;  // in Track::timescale
  int64_t bytes = 0;
};

struct Track {
  std::string name;  // folder of its objects, relative to the manifest
  bool is_video = true;
  std::string codecs;  // RFC 6381
  int width = 0, height = 0;
  int frame_rate_num = 0, frame_rate_den = 1;
  int sample_rate = 0, channels = 0;
  std::string language;
  std::string label;  // for people, unique among the sounds; empty: by its language and name
  std::string role;   // `commentary`, `description`; see AudioStream
  int timescale = 1;
  int64_t max_bitrate = 0;        // bits/s; declared while the track is incomplete
  bool complete = false;          // no segment will follow
  std::vector<Segment> segments;  // from index 0, no gaps
  int64_t peak_bandwidth = 0;     // bits/s, of a complete track whose segments come without their bytes; 0: to be measured
  int64_t average_bandwidth = 0;
};

// WebVTT of the whole presentation in one file, `{name}/seg_0.vtt`.
struct Caption {
  std::string name;      // folder, as of a track
  std::string language;  // BCP 47; "und" when unknown
  std::string label;     // for people, unique
  int64_t bytes = 0;
  bool forced = false;            // for viewers who understand the audio
  bool hearing_impaired = false;  // tells sounds too
};

struct Presentation {
  std::string path_prefix;  // before each track's folder in master and MPD, e.g. "" or "r2/"
  double duration_seconds = 0;
  double target_segment_seconds = 4;
  bool complete = false;      // every listed track is complete
  std::vector<Track> tracks;  // video smallest first, then audio
  std::vector<Caption> captions;
};

// Peak and average bits/s measured over the segments; {max_bitrate, max_bitrate} while there are none.
struct Bandwidth {
  int64_t peak, average;
};
Bandwidth MeasureBandwidth(const Track& track);

// True when something can play: a video track with its first segment and, when there is sound, the first segment of the first sound.
bool IsPlayable(const Presentation& presentation);

// Master playlist with every video track that has a segment, and its audio group. BANDWIDTH and AVERAGE-BANDWIDTH include the audio.
std::string HlsMaster(const Presentation& presentation);
// Media playlist: EVENT while it grows, VOD with EXT-X-ENDLIST when complete. URIs relative to the playlist.
std::string HlsMedia(const Track& track, double target_segment_seconds);
// Media playlist of a caption: its one file.
std::string HlsCaption(double duration_seconds);
// MPD: type dynamic with availability and minimumUpdatePeriod while it grows, static when complete.
// `now_unix_ms` and `start_unix_ms` (availabilityStartTime) matter only for the dynamic form.
std::string DashMpd(const Presentation& presentation, int64_t start_unix_ms, int64_t now_unix_ms);

}  // namespace vora::manifest
