#include "libs/media/testing/test_media.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "libs/media/audio/audio_encoder.h"
#include "libs/media/base/ffmpeg_log.h"
#include "libs/media/probe/probe.h"
#include "libs/media/video/grid_decoder.h"
#include "libs/media/video/segment_encoder.h"
#include "libs/testing/status_matchers.h"

namespace vora::media {
namespace {

// Runs decoder and encoder in turn: frames of one segment are collected, then encoded.
class CollectingSink : public FrameSink {
 public:
  explicit CollectingSink(size_t bytes) : bytes_(bytes) {}
  void Start(const VideoColor& color) override { color_ = color; }
  uint8_t* Acquire(size_t) override {
    frames_.emplace_back(bytes_, 0);
    return frames_.back().data();
  }
  void Commit(size_t) override {}
  bool Stopped() override { return false; }
  VideoColor color_;
  std::vector<std::vector<uint8_t>> frames_;

 private:
  size_t bytes_;
};

class CollectedFeed : public FrameFeed {
 public:
  explicit CollectedFeed(const std::vector<std::vector<uint8_t>>& frames) : frames_(frames) {}
  const uint8_t* Next() override { return next_ < frames_.size() ? frames_[next_++].data() : nullptr; }
  void Release() override {}

 private:
  const std::vector<std::vector<uint8_t>>& frames_;
  size_t next_ = 0;
};

[[maybe_unused]] const bool quiet = (LimitFfmpegLog(), true);

void Require(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", ToText(status).c_str());
  std::abort();
}

}  // namespace

std::string RunProgram(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) std::abort();
  std::string out;
  std::array<char, 4096> buffer{};
  while (const size_t got = fread(buffer.data(), 1, buffer.size(), pipe)) out.append(buffer.data(), got);
  if (pclose(pipe) != 0) {
    std::fprintf(stderr, "failed: %s\n%s\n", command.c_str(), out.c_str());
    std::abort();
  }
  return out;
}

std::string MakeSource(const TempFolder& folder, const std::string& name, const std::string& arguments) {
  const std::string path = folder / name;
  RunProgram("ffmpeg -nostdin -hide_banner -loglevel error -y " + arguments + " '" + path + "' 2>&1");
  return path;
}

std::string MakeUsualSource(const TempFolder& folder, const std::string& name, double seconds, int width, int height,
                            const std::string& rate, const std::string& extra) {
  const std::string size = std::to_string(width) + "x" + std::to_string(height);
  const std::string length = std::to_string(seconds);
  return MakeSource(folder, name,
                    "-f lavfi -i testsrc2=size=" + size + ":rate=" + rate + ":duration=" + length +
                        " -f lavfi -i sine=frequency=440:sample_rate=44100:duration=" + length +
                        " -c:v libx264 -preset ultrafast -bf 2 -g 75 -pix_fmt yuv420p -c:a aac -b:a 96k " + extra);
}

std::unique_ptr<ByteSource> OpenOrDie(const std::string& path) {
  StatusOr<std::unique_ptr<ByteSource>> source = OpenFileSource(path);
  Require(source.status());
  return std::move(*source);
}

media::v1::TrackPlan VideoPlan(const media::v1::MediaInfo& media, int width, int height, double segment_seconds,
                               const std::string& preset) {
  const auto& video = media.video();
  media::v1::TrackPlan plan;
  plan.set_name(std::to_string(height) + "p");
  plan.set_kind("video");
  auto* rung = plan.mutable_rung();
  rung->set_codec("h264");
  rung->set_crf(28);
  rung->set_max_bitrate(2'000'000);
  rung->set_preset(preset);
  rung->set_profile("high");
  rung->set_threads(1);
  plan.set_width(width);
  plan.set_height(height);
  plan.set_frame_rate_num(video.frame_rate_num());
  plan.set_frame_rate_den(video.frame_rate_den());
  plan.set_timescale(video.frame_rate_num());
  const double fps = static_cast<double>(video.frame_rate_num()) / video.frame_rate_den();
  plan.set_frames_per_gop(static_cast<int>(std::lround(fps * segment_seconds / 2)));
  plan.set_frames_per_segment(2 * plan.frames_per_gop());
  plan.set_frames_total(video.frames());
  plan.set_segments_total(static_cast<int>((video.frames() + plan.frames_per_segment() - 1) / plan.frames_per_segment()));
  plan.set_segment_seconds(plan.frames_per_segment() / fps);
  plan.set_source_stream_index(video.stream_index());
  return plan;
}

media::v1::TrackPlan AudioPlan(const media::v1::MediaInfo& media, const media::v1::TrackPlan& video) {
  media::v1::TrackPlan plan;
  plan.set_name("audio_0");
  plan.set_kind("audio");
  plan.mutable_audio()->set_codec("aac");
  plan.mutable_audio()->set_bitrate(128000);
  plan.mutable_audio()->set_sample_rate(48000);
  plan.mutable_audio()->set_channels(2);
  plan.set_timescale(48000);
  plan.set_segments_total(video.segments_total());
  plan.set_segment_seconds(video.segment_seconds());
  plan.set_source_stream_index(media.audio(0).stream_index());
  return plan;
}

std::string EncodedTrack::Whole() const {
  std::string out = init;
  for (const std::string& segment : segments) out += segment;
  return out;
}

EncodedTrack EncodeVideoSpan(const std::string& source, const media::v1::MediaInfo& media, const media::v1::TrackPlan& plan, int first,
                             int end) {
  const std::unique_ptr<ByteSource> bytes = OpenOrDie(source);
  const SegmentEncoder grid(plan, {});
  CollectingSink sink(FrameLayout(plan.width(), plan.height()).bytes);
  Require(
      DecodeToGrid(*bytes, media.video(), {{plan.width(), plan.height(), grid.FirstFrame(first), grid.EndFrame(end - 1)}}, sink).status());
  SegmentEncoder encoder(plan, sink.color_);
  CollectedFeed feed(sink.frames_);
  EncodedTrack track;
  for (int i = first; i < end; ++i) {
    StatusOr<EncodedSegment> segment = encoder.Encode(i, feed);
    Require(segment.status());
    track.init = segment->init;
    track.codecs = segment->codecs;
    track.durations.push_back(segment->duration);
    track.segments.push_back(std::move(segment->bytes));
  }
  return track;
}

EncodedTrack EncodeWholeAudio(const std::string& source, const media::v1::MediaInfo& media, const media::v1::TrackPlan& plan) {
  const std::unique_ptr<ByteSource> bytes = OpenOrDie(source);
  EncodedTrack track;
  Require(EncodeAudioTrack(*bytes, media, plan, [&](EncodedSegment segment) {
    track.init = segment.init;
    track.codecs = segment.codecs;
    track.durations.push_back(segment.duration);
    track.segments.push_back(std::move(segment.bytes));
    return Status();
  }));
  return track;
}

void WriteFile(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::string ReadFile(const std::string& path) {
  std::stringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

std::vector<ProbedPacket> ProbePackets(const std::string& path, const std::string& type) {
  std::istringstream lines(RunProgram("ffprobe -v error -select_streams " + type +
                                      ":0 -show_entries packet=pts_time,dts_time,duration_time,flags -of csv=p=0 '" + path + "'"));
  std::vector<ProbedPacket> packets;
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string pts, dts, duration, flags;
    if (!std::getline(fields, pts, ',') || !std::getline(fields, dts, ',') || !std::getline(fields, duration, ',') ||
        !std::getline(fields, flags, ',')) {
      continue;
    }
    ProbedPacket packet;
    packet.pts = std::atof(pts.c_str());
    packet.dts = std::atof(dts.c_str());
    packet.duration = std::atof(duration.c_str());
    packet.key = flags[0] == 'K';
    packets.push_back(packet);
  }
  return packets;
}

media::v1::MediaInfo ProbeOrDie(const std::string& path) {
  StatusOr<media::v1::MediaInfo> info = Probe(*OpenOrDie(path));
  EXPECT_THAT(info, IsOk());
  return info.ok() ? *info : media::v1::MediaInfo();
}

}  // namespace vora::media
