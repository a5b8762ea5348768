#pragma once

// What a delivery URL may name. Only these shapes reach the object store, so nothing but published objects can ever be read.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vora::layout {

enum class ObjectKind {
  kMaster,         // master.m3u8
  kDash,           // manifest.mpd
  kMediaPlaylist,  // {track}/playlist.m3u8
  kStoryboard,     // storyboard.vtt: names storyboard_{n}.jpg
  kPart,           // poster.jpg, storyboard_{n}.jpg and other parts: may change when the video is encoded again
  kDownload,       // download.mp4: as kPart, and as large as a film
  kSegment,        // {track}/init.mp4, seg_{n}.m4s, seg_{n}.ts, iframes.m3u8: immutable
};

struct DeliveryPath {
  ObjectKind kind = ObjectKind::kSegment;
  std::string revision;  // "" or "r2/": the folder of a re-encode
  std::string track;     // empty above the tracks
  std::string file;      // last piece
  std::string_view content_type;

  // `revision` + track + file: the path below processed/{video_id}/.
  std::string Relative() const;
  // n of seg_{n}.
  std::optional<int32_t> SegmentIndex() const;
};

// Parses what follows /v/{video_id}/. nullopt: no such object can exist.
std::optional<DeliveryPath> ParseDeliveryPath(std::string_view rest);

// The key of `path` for a video: processed/{video_id}/...
std::string ObjectKey(std::string_view video_id, const DeliveryPath& path);

}  // namespace vora::layout
