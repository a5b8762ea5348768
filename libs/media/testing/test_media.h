#pragma once

// For tests: sources made by the ffmpeg program in a folder of their own, whole renditions encoded in this process, and what ffprobe says.

#include <string>
#include <vector>

#include "libs/media/base/byte_source.h"
#include "libs/testing/temp_folder.h"
#include "vora/media/v1/media.pb.h"

namespace vora::media {

// The program's standard output; aborts the test run when it fails.
std::string RunProgram(const std::string& command);
// `ffmpeg -y ARGUMENTS OUT`; returns OUT.
std::string MakeSource(const TempFolder& folder, const std::string& name, const std::string& arguments);
// A moving test picture with a tone, H.264 and AAC.
std::string MakeUsualSource(const TempFolder& folder, const std::string& name, double seconds, int width = 640, int height = 360,
                            const std::string& rate = "30", const std::string& extra = "");

std::unique_ptr<ByteSource> OpenOrDie(const std::string& path);
media::v1::MediaInfo ProbeOrDie(const std::string& path);

// A rendition of `media` with segments of `segment_seconds` and GOPs half as long.
media::v1::TrackPlan VideoPlan(const media::v1::MediaInfo& media, int width, int height, double segment_seconds = 2,
                               const std::string& preset = "ultrafast");
media::v1::TrackPlan AudioPlan(const media::v1::MediaInfo& media, const media::v1::TrackPlan& video);

struct EncodedTrack {
  std::string init;
  std::vector<std::string> segments;
  std::vector<int64_t> durations;
  std::string codecs;
  std::string Whole() const;  // init and all segments in one file
};
// Segments [first, end) of one rendition, decoded from its own start.
EncodedTrack EncodeVideoSpan(const std::string& source, const media::v1::MediaInfo& media, const media::v1::TrackPlan& plan, int first,
                             int end);
EncodedTrack EncodeWholeAudio(const std::string& source, const media::v1::MediaInfo& media, const media::v1::TrackPlan& plan);

void WriteFile(const std::string& path, const std::string& bytes);
std::string ReadFile(const std::string& path);

struct ProbedPacket {
  double pts = 0, dts = 0, duration = 0;
  bool key = false;
};
// Packets of the first stream of `type` ("v" or "a"), by ffprobe.
std::vector<ProbedPacket> ProbePackets(const std::string& path, const std::string& type);

}  // namespace vora::media
