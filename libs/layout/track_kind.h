#pragma once

// What the kinds of tracks mean, a row for each. docs/development.md says what a new one needs besides.

#include <string_view>

namespace vora::layout {

struct TrackKind {
  std::string_view name;   // TrackPlan.kind, and the kind of a rendition
  bool is_video = false;   // else it is heard
  bool in_chunks = false;  // encoded chunk by chunk, by several workers at a time; else in one pass, as encoders of audio need it
  bool needed = false;     // without this track there is no video; of the video tracks it is enough that one is left
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
