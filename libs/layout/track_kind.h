#pragma once

// The kinds of tracks, a row for each. A new kind is a row, the plan that makes tracks of it (libs/ladder), and the activity that encodes
// it.

#include <string_view>

namespace vora::layout {

struct TrackKind {
  std::string_view name;   // TrackPlan.kind, and the kind of a rendition
  bool is_video = false;   // else it is heard
  bool in_chunks = false;  // encoded chunk by chunk, by several workers at a time; else in one pass, as encoders of audio need it
  bool needed = false;     // without this track there is no video; of the others it is enough that one is left
};

inline constexpr TrackKind kVideoTrack{.name = "video", .is_video = true, .in_chunks = true};
inline constexpr TrackKind kAudioTrack{.name = "audio", .needed = true};

// One that is not known counts as video: what plans from before a kind had a name say nothing.
constexpr const TrackKind& TrackKindOf(std::string_view name) {
  for (const TrackKind* kind : {&kVideoTrack, &kAudioTrack}) {
    if (kind->name == name) return *kind;
  }
  return kVideoTrack;
}

}  // namespace vora::layout
