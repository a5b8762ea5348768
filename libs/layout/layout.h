#pragma once

// The name of every object that Vora keeps, made and taken apart here only. Keys as in ARCHITECTURE.md, "Objects".

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vora::layout {

// An upload.
inline constexpr char kRawPrefix[] = "raw/";
inline constexpr char kOpenPrefix[] = "open/";
inline constexpr char kAnnouncePrefix[] = "announce/";
std::string RawFolder(std::string_view upload_id);  // with a slash at its end
std::string OriginalKey(std::string_view upload_id);
std::string StateKey(std::string_view upload_id);
std::string TailKey(std::string_view upload_id, int64_t number);
std::string OpenKey(std::string_view upload_id);
std::string AnnounceKey(std::string_view upload_id);
// The upload that an object below one of these belongs to; nullopt for every other object.
std::optional<std::string> UploadOf(std::string_view key);
// The upload whose state lies at `key`; nullopt for every other object.
std::optional<std::string> UploadOfStateKey(std::string_view key);

// What is made of uploads.
inline constexpr char kProcessedPrefix[] = "processed/";

// Written and removed at start, to find out what the store honours.
inline constexpr char kProbePrefix[] = "probe/";
std::string ProbeKey(std::string_view id);

// A video. Its object prefix, `processed/{video_id}` or `processed/{video_id}/r2` of a re-encode, travels in inputs and rows.
std::string VideoFolder(std::string_view video_id);                   // with a slash at its end
std::string ObjectPrefix(std::string_view video_id);                  // of the first encode
std::string RevisionPrefix(std::string_view video_id, int revision);  // of a later one, from 2 on
// "" or "r2/": where the objects of `object_prefix` lie in the folder of the video.
std::string RevisionFolder(std::string_view video_id, std::string_view object_prefix);
bool IsRevision(std::string_view name);   // r1, r2, ...
bool IsTrackName(std::string_view name);  // of a rendition, audio or caption track: A-Z a-z 0-9 _ -, at most 32, no revision

// Files below an object prefix.
inline constexpr char kMasterPlaylist[] = "master.m3u8";
inline constexpr char kDashManifest[] = "manifest.mpd";
inline constexpr char kPoster[] = "poster.jpg";
inline constexpr char kStoryboard[] = "storyboard.vtt";
inline constexpr char kDownload[] = "download.mp4";
std::string StoryboardSheet(int index);
// The last piece of a key.
std::string_view FileOf(std::string_view key);
std::string InPrefix(std::string_view object_prefix, std::string_view file);

// Files below a track.
inline constexpr char kMediaPlaylist[] = "playlist.m3u8";
inline constexpr char kIframePlaylist[] = "iframes.m3u8";
inline constexpr char kInit[] = "init.mp4";
inline constexpr char kCaptionSegment[] = "seg_0.vtt";  // one spans the whole video
inline constexpr char kAudioTrackPrefix[] = "audio_";
inline constexpr char kCaptionTrackPrefix[] = "subs_";
std::string Segment(int64_t index);
// DASH's SegmentTemplate of the same.
inline constexpr char kSegmentTemplate[] = "seg_$Number$.m4s";
// n of seg_{n}.m4s, .ts or .vtt; nullopt for every other file.
std::optional<int32_t> SegmentIndex(std::string_view file);
std::string InTrack(std::string_view object_prefix, std::string_view track, std::string_view file);

}  // namespace vora::layout
