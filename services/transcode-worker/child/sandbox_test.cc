#include "services/transcode-worker/child/sandbox.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "libs/testing/status_matchers.h"
#include "services/transcode-worker/activities/encode_fixture.h"
#include "services/transcode-worker/activities/failure.h"
#include "services/transcode-worker/activities/sandbox_check.h"
#include "services/transcode-worker/child/seccomp_filter.h"

namespace vora::transcode {
namespace {

class SandboxTest : public EncodeTest {
 protected:
  ChildExit Try(const std::string& trial, int64_t cpu_seconds = 30) {
    ChildSpec spec = context_->NewChild("check");
    spec.cpu_seconds = cpu_seconds;
    StatusOr<std::unique_ptr<ChildProcess>> child = ChildProcess::Spawn(spec);
    EXPECT_THAT(child, IsOk());
    EXPECT_THAT((*child)->Send(MessageType::kJob, trial), IsOk());
    EXPECT_THAT((*child)->Send(MessageType::kStart, "0"), IsOk());
    return (*child)->Run([this](Message& message) -> Status {
      EXPECT_EQ(message.type, MessageType::kNotice);
      report_ = SandboxReport::Parse(message.payload);
      return {};
    });
  }
  SandboxReport report_;
};

TEST_F(SandboxTest, EveryChildIsFilteredAndSaysSo) {
  const ChildExit exit = Try("nothing");
  ASSERT_TRUE(exit.ok()) << exit.stderr_tail;
  EXPECT_TRUE(report_.no_new_privileges);
  EXPECT_TRUE(report_.system_call_filter) << report_.problems;
  EXPECT_TRUE(report_.unprivileged) << report_.problems;
  EXPECT_EQ(SandboxReport::Parse(report_.Text()).Text(), report_.Text());
  EXPECT_THAT(CheckSandbox(*context_), IsOk());
}

TEST_F(SandboxTest, RelaxedOnlyMeansThatTheFilterIsNotRequired) {
  options_.strict_sandbox = false;
  Remake();
  ASSERT_TRUE(Try("nothing").ok());
  EXPECT_TRUE(report_.system_call_filter) << report_.problems;
  EXPECT_THAT(CheckSandbox(*context_), IsOk());
}

// What only hostile code does ends the process, and the failure names it.
TEST_F(SandboxTest, HostileCallsEndTheProcess) {
  for (const auto& [trial, call] : {std::pair{"socket", "socket"}, std::pair{"network", "socket"}, std::pair{"connect", "connect"},
                                    std::pair{"execve", "execve"}, std::pair{"fork", "fork"}, std::pair{"ptrace", "ptrace"},
                                    std::pair{"mount", "mount"}, std::pair{"write", "openat for writing"}, std::pair{"uid", "setuid"}}) {
    const ChildExit exit = Try(trial);
    EXPECT_EQ(exit.exit_code, kForbiddenCallExit) << trial << ": " << exit.result.value_or("") << exit.stderr_tail;
    const workflow::v1::Failure failure = context_->JudgeChild(exit, "decoder");
    EXPECT_EQ(failure.code(), "worker.forbidden_call");
    EXPECT_EQ(failure.message(), std::string("The decoder tried a forbidden system call (") + call + "); the file may be an attack.");
    EXPECT_TRUE(failure.non_retryable());
  }
}

TEST_F(SandboxTest, WhatALibraryMayTryIsRefused) {
  for (const char* trial : {"open", "descriptors", "executable", "memory", "threads"}) {
    const ChildExit exit = Try(trial);
    ASSERT_TRUE(exit.result.has_value()) << trial << " signal " << exit.signal << ": " << exit.stderr_tail;
    EXPECT_EQ(exit.result->rfind("refused: ", 0), 0U) << *exit.result;
  }
}

TEST_F(SandboxTest, ProcessorTimeIsBounded) {
  const ChildExit exit = Try("cpu", 1);
  EXPECT_EQ(exit.signal, SIGXCPU);
  EXPECT_EQ(FailureOf(exit, "decoder").message(), "The decoder used up its processor time.");
}

TEST_F(SandboxTest, ForbiddenCallsAreRead) {
  EXPECT_EQ(ForbiddenCall("noise\nforbidden system call: ptrace\n"), "ptrace");
  EXPECT_EQ(ForbiddenCall("noise"), "unknown");
  EXPECT_EQ(ForbiddenCall("forbidden system call: " + std::string(500, 'x')), "unknown");
}

// Every codec and container that people upload goes through every role under the filter: it forbids nothing that decoding needs.
struct Kind {
  const char* file;
  const char* codecs;
};

class FilteredCodecTest : public SandboxTest, public ::testing::WithParamInterface<Kind> {};

TEST_P(FilteredCodecTest, DecodesInEveryRole) {
  media::WriteFile(folder_ / "en.srt", "1\n00:00:00,500 --> 00:00:01,000\nHello\n");
  const std::string extra =
      std::string(GetParam().file).ends_with(".mkv") ? " -i '" + folder_ / "en.srt" + "' -map 0 -map 1 -map 2 -c:s subrip" : "";
  UseSource(media::MakeSource(folder_, GetParam().file,
                              "-f lavfi -i testsrc2=size=320x180:rate=25:duration=3 -f lavfi -i sine=duration=3:sample_rate=48000" + extra +
                                  " -pix_fmt yuv420p " + GetParam().codecs));
  const EncodeChunkInput chunk = Chunk(90, 0, 2);
  auto video = Task(chunk);
  Run({video});
  EXPECT_EQ(Result(*video).segments().segments_size(), 2);
  if (info_.audio_size() > 0) {
    auto audio = Input<workflow::v1::EncodeAudioInput>();
    audio.set_object_prefix("processed/v1");
    *audio.mutable_media() = info_;
    *audio.mutable_track() = media::AudioPlan(info_, chunk.track());
    RecordedExecution encode("media.EncodeAudio", "audio_0", audio);
    const workflow::ActivityOutcome encoded = EncodeAudio(*context_, encode);
    EXPECT_TRUE(encoded.ok) << encoded.failure.ShortDebugString();
  } else {
    ADD_FAILURE() << "no audio was found";
  }
  auto poster = Input<workflow::v1::ExtractPosterInput>();
  poster.set_object_prefix("processed/v1");
  *poster.mutable_media() = info_;
  RecordedExecution extract("media.ExtractPoster", "poster", poster);
  EXPECT_TRUE(ExtractPoster(*context_, extract).ok);
  auto board = Input<workflow::v1::ExtractPartInput>();
  board.set_object_prefix("processed/v1");
  *board.mutable_media() = info_;
  RecordedExecution storyboard("media.ExtractStoryboard", "storyboard", board);
  const workflow::ActivityOutcome sheets = ExtractPart(*context_, storyboard, *FindChildRole("storyboard"));
  EXPECT_TRUE(sheets.ok) << sheets.failure.ShortDebugString();
  if (extra.empty()) return;
  auto texts = Input<workflow::v1::ExtractSubtitlesInput>();
  texts.set_object_prefix("processed/v1");
  *texts.mutable_media() = info_;
  RecordedExecution captions("media.ExtractSubtitles", "captions", texts);
  const workflow::ActivityOutcome read = ExtractSubtitles(*context_, captions);
  EXPECT_TRUE(read.ok) << read.failure.ShortDebugString();
  EXPECT_NE(read.result.find("subs_"), std::string::npos) << read.result;
}

INSTANTIATE_TEST_SUITE_P(Codecs, FilteredCodecTest,
                         ::testing::Values(Kind{"h264.mp4", "-c:v libx264 -preset ultrafast -c:a aac"},
                                           Kind{"hevc.mkv", "-c:v libx265 -preset ultrafast -x265-params log-level=none -c:a ac3"},
                                           Kind{"vp8.webm", "-c:v libvpx -deadline realtime -c:a libvorbis"},
                                           Kind{"vp9.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus"},
                                           Kind{"av1.mkv", "-c:v libsvtav1 -preset 12 -c:a libopus"},
                                           Kind{"mpeg2.ts", "-c:v mpeg2video -c:a mp2"}, Kind{"mpeg2.mpg", "-c:v mpeg2video -c:a mp2"},
                                           Kind{"interlaced.ts", "-c:v mpeg2video -flags +ildct+ilme -top 1 -c:a ac3"},
                                           Kind{"mpeg4.avi", "-c:v mpeg4 -c:a libmp3lame"}, Kind{"wmv.asf", "-c:v wmv2 -c:a wmav2"},
                                           Kind{"flv.flv", "-c:v flv1 -c:a libmp3lame -ar 44100"},
                                           Kind{"theora.ogg", "-c:v libtheora -c:a libvorbis"},
                                           Kind{"prores.mov", "-c:v prores_ks -pix_fmt yuv422p10le -c:a pcm_s16le"},
                                           Kind{"mjpeg.mov", "-c:v mjpeg -pix_fmt yuvj420p -metadata:s:v rotate=90 -c:a pcm_s24le"},
                                           Kind{"ffv1.mkv", "-c:v ffv1 -c:a flac"}),
                         [](const auto& info) {
                           std::string name = info.param.file;
                           name[name.find('.')] = '_';
                           return name;
                         });

}  // namespace
}  // namespace vora::transcode
