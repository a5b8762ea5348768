#pragma once

// Text subtitle tracks of a source to WebVTT.

#include <functional>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/media/base/byte_source.h"
#include "vora/media/v1/media.pb.h"

namespace vora::media {

inline constexpr int kMaxSubtitleTracks = 32;
inline constexpr size_t kMaxSubtitleBytes = 2 << 20;  // of one track's WebVTT; a long video's has a twentieth

// The captions to be made of `media.subtitles`, one each and in their order: folders and names are unique. `bytes` is not set. Pure.
std::vector<media::v1::Caption> PlanCaptions(const media::v1::MediaInfo& media);

struct SubtitleTrack {
  int index = 0;    // in MediaInfo.subtitles
  std::string vtt;  // on the presentation's clock
  int cues = 0;     // never 0
};
// Reads the file once and gives every track that has text, in order; an error of `on_track` ends the work. What could not be read is in
// `warnings`, for people. The same source gives the same bytes.
Status ExtractSubtitles(ByteSource& source, const media::v1::MediaInfo& media, const std::function<Status(SubtitleTrack)>& on_track,
                        std::vector<std::string>* warnings);

}  // namespace vora::media
