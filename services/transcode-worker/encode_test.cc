#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cmath>
#include <thread>

#include "libs/media/probe.h"
#include "libs/media/test_media.h"
#include "services/transcode-worker/activities.h"
#include "services/transcode-worker/encode_group.h"
#include "services/transcode-worker/test_worker.h"

namespace vora::transcode {
namespace {

using media::TempFolder;
using workflow::StopCause;
using workflow::v1::EncodeChunkInput;
using workflow::v1::EncodeChunkResult;
using workflow::v1::MediaInfo;

// A store that can go away and come back.
class FlakyStore : public storage::ObjectStore {
 public:
  explicit FlakyStore(std::unique_ptr<storage::ObjectStore> store) : store_(std::move(store)) {}
  StatusOr<storage::ObjectInfo> Put(const std::string& key, std::string_view bytes, const storage::PutOptions& options) override {
    VORA_RETURN_IF_ERROR(Here());
    return store_->Put(key, bytes, options);
  }
  StatusOr<std::unique_ptr<storage::ObjectReader>> Open(const std::string& key, int64_t offset, int64_t length) override {
    VORA_RETURN_IF_ERROR(Here());
    bytes_opened_ += length;
    return store_->Open(key, offset, length);
  }
  StatusOr<storage::ObjectInfo> Head(const std::string& key) override {
    VORA_RETURN_IF_ERROR(Here());
    return store_->Head(key);
  }
  Status Delete(const std::string& key) override { return store_->Delete(key); }
  StatusOr<storage::ListPage> List(const std::string& p, const std::string& t, int m) override { return store_->List(p, t, m); }
  StatusOr<std::string> CreateMultipart(const std::string& k, const storage::MultipartOptions& o) override {
    return store_->CreateMultipart(k, o);
  }
  StatusOr<storage::CompletedPart> UploadPart(const std::string& k, const std::string& i, int n, std::string_view b) override {
    return store_->UploadPart(k, i, n, b);
  }
  StatusOr<storage::ObjectInfo> CompleteMultipart(const std::string& k, const std::string& i,
                                                  const std::vector<storage::CompletedPart>& p) override {
    return store_->CompleteMultipart(k, i, p);
  }
  Status AbortMultipart(const std::string& k, const std::string& i) override { return store_->AbortMultipart(k, i); }
  Status Ping() override { return Here(); }
  std::string Describe() const override { return store_->Describe(); }

  std::atomic<bool> away_{false};
  std::atomic<int> refused_{0};
  std::atomic<int64_t> bytes_opened_{0};

 private:
  Status Here() {
    if (!away_) return {};
    ++refused_;
    return Unavailable("the store is away");
  }
  std::unique_ptr<storage::ObjectStore> store_;
};

class EncodeTest : public ::testing::Test {
 protected:
  EncodeTest() {
    auto store = storage::OpenObjectStore("file://" + folder_ / "store", metrics_);
    EXPECT_TRUE(store.ok()) << ToText(store.status());
    store_ = std::make_unique<FlakyStore>(std::move(*store));
    options_.program = WorkerProgram();
    Remake();
  }
  void Remake() { context_ = std::make_unique<WorkerContext>(*store_, metrics_, options_); }

  void UseSource(const std::string& path) {
    ASSERT_TRUE(store_->Put("raw/u1/original", media::ReadFile(path), {}).ok());
    RecordedExecution probe("media.Probe", "probe", Input<workflow::v1::ProbeInput>());
    const workflow::ActivityOutcome outcome = ProbeSource(*context_, probe);
    ASSERT_TRUE(outcome.ok) << outcome.failure.ShortDebugString();
    ASSERT_TRUE(workflow::FromPayload(outcome.result, info_).ok());
  }
  template <typename T>
  T Input() {
    T input;
    input.set_source_key("raw/u1/original");
    return input;
  }
  EncodeChunkInput Chunk(int height, int first, int count, const std::string& prefix = "processed/v1") {
    EncodeChunkInput input = Input<EncodeChunkInput>();
    input.set_video_id("v1");
    input.set_object_prefix(prefix);
    *input.mutable_media() = info_;
    *input.mutable_track() = media::VideoPlan(info_, height * 16 / 9 / 2 * 2, height, 2, "veryfast");
    input.mutable_track()->mutable_rung()->set_threads(2);
    input.mutable_chunk()->set_index(first == 0 ? 0 : 1);
    input.mutable_chunk()->set_first_segment(first);
    input.mutable_chunk()->set_segment_count(count);
    return input;
  }
  static std::shared_ptr<RecordedExecution> Task(const EncodeChunkInput& input, std::string checkpoint = {}) {
    return std::make_shared<RecordedExecution>(
        "media.EncodeChunk", input.track().name() + "/chunk/" + std::to_string(input.chunk().index()), input, std::move(checkpoint));
  }
  void Run(const std::vector<std::shared_ptr<RecordedExecution>>& tasks) { RunEncodeGroup(*context_, {tasks.begin(), tasks.end()}); }
  std::string Object(const std::string& key) {
    const StatusOr<std::string> bytes = store_->Get(key);
    EXPECT_TRUE(bytes.ok()) << key;
    return bytes.ok() ? *bytes : "";
  }
  static EncodeChunkResult Result(const RecordedExecution& task) {
    EncodeChunkResult result;
    EXPECT_EQ(task.ended(), "completed") << task.failure().ShortDebugString();
    EXPECT_TRUE(workflow::FromPayload(task.result(), result).ok());
    return result;
  }
  static int Published(const std::string& checkpoint) {
    workflow::v1::EncodeChunkCheckpoint parsed;
    return workflow::FromPayload(checkpoint, parsed).ok() ? parsed.segments().segments_size() : 0;
  }

  TempFolder folder_;
  obs::Metrics metrics_;
  WorkerOptions options_;
  MediaInfo info_;
  std::unique_ptr<FlakyStore> store_;
  std::unique_ptr<WorkerContext> context_;
};

TEST_F(EncodeTest, SiblingsShareADecoderAndGiveTheSameBytesAsOneProcess) {
  const std::string source = media::MakeUsualSource(folder_, "a.mp4", 7);
  UseSource(source);
  auto small = Task(Chunk(90, 0, 4)), large = Task(Chunk(180, 0, 4));
  Run({small, large});
  for (const auto& [task, height] : {std::pair{small, 90}, std::pair{large, 180}}) {
    const EncodeChunkResult result = Result(*task);
    ASSERT_EQ(result.segments().segments_size(), 4);
    const auto plan = Chunk(height, 0, 4).track();
    EXPECT_EQ(result.segments().track(), plan.name());
    const media::EncodedTrack here = media::EncodeVideoSpan(source, info_, plan, 0, 4);
    EXPECT_EQ(result.segments().codecs(), here.codecs);
    EXPECT_TRUE(Object("processed/v1/" + plan.name() + "/init.mp4") == here.init);
    for (int i = 0; i < 4; ++i) {
      const std::string bytes = Object(SegmentKey("processed/v1", plan.name(), i));
      EXPECT_TRUE(bytes == here.segments[static_cast<size_t>(i)]) << plan.name() << " segment " << i;
      EXPECT_EQ(result.segments().segments(i).bytes(), static_cast<int64_t>(bytes.size()));
      EXPECT_EQ(result.segments().segments(i).duration(), i < 3 ? 60 : 30);
    }
    EXPECT_EQ(task->reports(), 1);
  }
}

TEST_F(EncodeTest, AResumedChunkDoesOnlyWhatIsMissingAndGivesTheSameBytes) {
  const std::string source = media::MakeUsualSource(folder_, "a.mp4", 8);
  UseSource(source);
  auto whole = Task(Chunk(90, 0, 4, "processed/whole"));
  Run({whole});
  // Two segments are there, and known from a checkpoint.
  auto part = Task(Chunk(90, 0, 2));
  Run({part});
  workflow::v1::EncodeChunkCheckpoint checkpoint;
  *checkpoint.mutable_segments() = Result(*part).segments();
  auto resumed = Task(Chunk(90, 0, 4), workflow::ToPayload(checkpoint));
  Run({resumed});
  EXPECT_EQ(workflow::ToPayload(Result(*resumed).segments()), workflow::ToPayload(Result(*whole).segments()));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Object(SegmentKey("processed/v1", "90p", i)), Object(SegmentKey("processed/whole", "90p", i)));
  // All are there, and nobody says so: found without decoding.
  const int64_t before = store_->bytes_opened_;
  auto again = Task(Chunk(90, 0, 4));
  Run({again});
  EXPECT_EQ(workflow::ToPayload(Result(*again).segments()), workflow::ToPayload(Result(*whole).segments()));
  EXPECT_LT(store_->bytes_opened_ - before, 4096);
}

TEST_F(EncodeTest, AKilledEncoderFailsOnlyItsOwnActivity) {
  UseSource(media::MakeUsualSource(folder_, "a.mp4", 20, 1280, 720));
  auto small = Task(Chunk(90, 0, 10)), victim = Task(Chunk(720, 0, 10));
  std::thread killer([&] {
    ASSERT_TRUE(victim->WaitFor([](double, const std::string& checkpoint) { return Published(checkpoint) >= 2; }));
    const std::vector<int> pids = FindChildren({"--child=encode", "--track=720p", "--video=v1", "--chunk=0"});
    ASSERT_EQ(pids.size(), 1U);
    kill(pids[0], SIGKILL);
  });
  Run({small, victim});
  killer.join();
  EXPECT_EQ(Result(*small).segments().segments_size(), 10);
  EXPECT_EQ(victim->ended(), "failed");
  EXPECT_EQ(victim->failure().code(), "worker.child_crashed");
  EXPECT_NE(victim->failure().message().find("signal 9"), std::string::npos) << victim->failure().message();
  EXPECT_FALSE(victim->failure().non_retryable());
  // The retry goes on behind the checkpoint.
  EXPECT_GE(Published(victim->checkpoint()), 2);
  auto retry = Task(Chunk(720, 0, 10), victim->checkpoint());
  Run({retry});
  EXPECT_EQ(Result(*retry).segments().segments_size(), 10);
}

TEST_F(EncodeTest, AKilledDecoderFailsTheSiblingsRetryably) {
  UseSource(media::MakeUsualSource(folder_, "a.mp4", 20, 1280, 720));
  auto a = Task(Chunk(360, 0, 10)), b = Task(Chunk(720, 0, 10));
  std::thread killer([&] {
    ASSERT_TRUE(b->WaitFor([](double progress, const std::string&) { return progress > 0.1; }));
    for (const int pid : FindChildren({"--child=decode"})) kill(pid, SIGSEGV);
  });
  Run({a, b});
  killer.join();
  for (const auto& task : {a, b}) {
    EXPECT_EQ(task->ended(), "failed");
    EXPECT_EQ(task->failure().code(), "worker.child_crashed");
    EXPECT_NE(task->failure().message().find("decoder"), std::string::npos);
  }
  EXPECT_TRUE(FindChildren({}).empty());
}

TEST_F(EncodeTest, AStoppedEncoderIsFoundOutAndTheOthersGoOn) {
  options_.child_timeout = std::chrono::milliseconds(1500);
  Remake();
  UseSource(media::MakeUsualSource(folder_, "a.mp4", 20, 1280, 720));
  auto small = Task(Chunk(90, 0, 10)), victim = Task(Chunk(720, 0, 10));
  std::thread stopper([&] {
    ASSERT_TRUE(victim->WaitFor([](double progress, const std::string&) { return progress > 0.05; }));
    for (const int pid : FindChildren({"--child=encode", "--track=720p"})) kill(pid, SIGSTOP);
  });
  Run({small, victim});
  stopper.join();
  EXPECT_EQ(small->ended(), "completed");
  EXPECT_EQ(victim->failure().code(), "worker.child_timeout");
}

TEST_F(EncodeTest, AStoreAwayForAWhileIsWaitedOut) {
  UseSource(media::MakeUsualSource(folder_, "a.mp4", 8));
  auto task = Task(Chunk(180, 0, 4));
  std::thread fault([&] {
    task->WaitFor([](double, const std::string& checkpoint) { return Published(checkpoint) >= 1; });
    store_->away_ = true;
    while (store_->refused_ < 3) std::this_thread::yield();
    store_->away_ = false;
  });
  Run({task});
  fault.join();
  EXPECT_EQ(Result(*task).segments().segments_size(), 4);
}

TEST_F(EncodeTest, AStoreAwayForLongFailsRetryably) {
  options_.store_patience = std::chrono::milliseconds(300);
  UseSource(media::MakeUsualSource(folder_, "a.mp4", 4));
  Remake();
  store_->away_ = true;
  auto task = Task(Chunk(90, 0, 2));
  Run({task});
  EXPECT_EQ(task->failure().code(), "store.unavailable");
  EXPECT_FALSE(task->failure().non_retryable());
}

TEST_F(EncodeTest, DrainHandsBackWithACheckpointAndCancelStops) {
  UseSource(media::MakeUsualSource(folder_, "a.mp4", 30, 1280, 720));
  auto drained = Task(Chunk(720, 0, 15));
  std::thread stopper([&] {
    drained->WaitFor([](double, const std::string& checkpoint) { return Published(checkpoint) >= 1; });
    drained->AskToStop(StopCause::kDraining);
  });
  Run({drained});
  stopper.join();
  EXPECT_EQ(drained->ended(), "released");
  EXPECT_GE(Published(drained->result()), 1);
  auto cancelled = Task(Chunk(720, 0, 15, "processed/other"));
  std::thread canceller([&] {
    cancelled->WaitFor([](double progress, const std::string&) { return progress > 0.01; });
    cancelled->AskToStop(StopCause::kCancelRequested);
  });
  Run({cancelled});
  canceller.join();
  EXPECT_EQ(cancelled->ended(), "cancelled");
  EXPECT_TRUE(FindChildren({}).empty());
}

TEST_F(EncodeTest, ChildrenAreCaged) {
  UseSource(media::MakeUsualSource(folder_, "a.mp4", 20, 1280, 720));
  auto task = Task(Chunk(720, 0, 10));
  std::thread inspector([&] {
    ASSERT_TRUE(task->WaitFor([](double progress, const std::string&) { return progress > 0.02; }));
    for (const char* role : {"--child=decode", "--child=encode"}) {
      const std::vector<int> pids = FindChildren({role});
      ASSERT_EQ(pids.size(), 1U) << role;
      const std::string proc = "/proc/" + std::to_string(pids[0]);
      EXPECT_NE(media::ReadFile(proc + "/status").find("NoNewPrivs:\t1"), std::string::npos);
      const std::string limits = media::RunProgram("cat " + proc + "/limits | tr -s ' '");
      EXPECT_NE(limits.find("Max file size 0 0"), std::string::npos) << limits;
      EXPECT_NE(limits.find("Max open files 32 32"), std::string::npos) << limits;
      EXPECT_NE(limits.find("Max data size 3221225472 3221225472"), std::string::npos) << limits;
      if (geteuid() != 0) continue;  // only root may look further
      EXPECT_NE(media::RunProgram("readlink " + proc + "/ns/net"), media::RunProgram("readlink /proc/self/ns/net"));
      EXPECT_EQ(media::ReadFile(proc + "/environ"), "");
      EXPECT_NE(media::ReadFile(proc + "/status").find("Uid:\t65534\t65534"), std::string::npos);
      // Standard streams, the socket, the frames.
      EXPECT_LE(std::atoi(media::RunProgram("ls " + proc + "/fd | wc -l").c_str()), 6);
    }
    task->AskToStop(StopCause::kCancelRequested);
  });
  Run({task});
  inspector.join();
  EXPECT_EQ(task->ended(), "cancelled");
}

TEST_F(EncodeTest, MemoryOfAChildIsBounded) {
  UseSource(media::MakeUsualSource(folder_, "a.mp4", 3, 1920, 1080));
  options_.memory_limit = 24 << 20;
  Remake();
  auto task = Task(Chunk(720, 0, 1));
  Run({task});
  EXPECT_EQ(task->ended(), "failed");
  EXPECT_FALSE(task->failure().non_retryable()) << task->failure().ShortDebugString();
}

TEST_F(EncodeTest, BadSourcesFailForGoodWithACode) {
  for (const auto& [bytes, code] : {std::pair<std::string, std::string>{"", "media.empty"},
                                    {std::string(3000, 'x'), "media.unreadable"},
                                    {"#EXTM3U\n#EXTINF:5,\nfile:///etc/passwd\n", "media.unreadable"}}) {
    ASSERT_TRUE(store_->Put("raw/u1/original", bytes, {}).ok());
    RecordedExecution probe("media.Probe", "probe", Input<workflow::v1::ProbeInput>());
    const workflow::ActivityOutcome outcome = ProbeSource(*context_, probe);
    EXPECT_FALSE(outcome.ok);
    EXPECT_EQ(outcome.failure.code(), code);
    EXPECT_TRUE(outcome.failure.non_retryable());
  }
  auto missing = Input<workflow::v1::ProbeInput>();
  missing.set_source_key("raw/none/original");
  RecordedExecution probe("media.Probe", "probe", missing);
  EXPECT_EQ(ProbeSource(*context_, probe).failure.code(), "source.not_found");
}

TEST_F(EncodeTest, SoundPosterAndManifestsArePublished) {
  UseSource(media::MakeUsualSource(folder_, "a.mp4", 6));
  const EncodeChunkInput chunk = Chunk(180, 0, 3);
  auto video = Task(chunk);
  Run({video});
  workflow::v1::EncodeAudioInput audio = Input<workflow::v1::EncodeAudioInput>();
  audio.set_object_prefix("processed/v1");
  *audio.mutable_media() = info_;
  *audio.mutable_track() = media::AudioPlan(info_, chunk.track());
  RecordedExecution encode("media.EncodeAudio", "audio_0", audio);
  const workflow::ActivityOutcome sound = EncodeAudio(*context_, encode);
  ASSERT_TRUE(sound.ok) << sound.failure.ShortDebugString();
  workflow::v1::EncodeAudioResult sound_result;
  ASSERT_TRUE(workflow::FromPayload(sound.result, sound_result).ok());
  EXPECT_EQ(sound_result.segments().segments_size(), 3);

  auto poster = Input<workflow::v1::ExtractPosterInput>();
  poster.set_object_prefix("processed/v1");
  *poster.mutable_media() = info_;
  RecordedExecution extract("media.ExtractPoster", "poster", poster);
  ASSERT_TRUE(ExtractPoster(*context_, extract).ok);
  EXPECT_EQ(Object("processed/v1/poster.jpg").substr(0, 2), "\xff\xd8");

  workflow::v1::PublishTrackInput track;
  track.set_object_prefix("processed/v1");
  *track.mutable_track() = chunk.track();
  *track.mutable_segments() = Result(*video).segments();
  RecordedExecution publish("media.PublishTrack", "publish", track);
  ASSERT_TRUE(PublishTrack(*context_, publish).ok);
  *track.mutable_track() = audio.track();
  *track.mutable_segments() = sound_result.segments();
  RecordedExecution publish_audio("media.PublishTrack", "publish", track);
  ASSERT_TRUE(PublishTrack(*context_, publish_audio).ok);
  workflow::v1::PublishMastersInput masters;
  masters.set_object_prefix("processed/v1");
  masters.set_duration_seconds(6);
  *masters.add_tracks() = chunk.track();
  *masters.add_tracks() = audio.track();
  *masters.add_segments() = Result(*video).segments();
  *masters.add_segments() = sound_result.segments();
  RecordedExecution publish_masters("media.PublishMasters", "masters", masters);
  ASSERT_TRUE(PublishMasters(*context_, publish_masters).ok);
  // What was written plays.
  for (const char* key : {"init.mp4", "seg_0.m4s", "seg_1.m4s", "seg_2.m4s", "playlist.m3u8"}) {
    media::RunProgram("mkdir -p '" + folder_ / "out/180p" + "' '" + folder_ / "out/audio_0" + "'");
    for (const char* name : {"180p", "audio_0"}) {
      media::WriteFile(folder_ / "out/" + name + "/" + key, Object(std::string("processed/v1/") + name + "/" + key));
    }
  }
  media::WriteFile(folder_ / "out/master.m3u8", Object("processed/v1/master.m3u8"));
  const std::string probed = media::RunProgram("ffprobe -v error -show_entries stream=codec_name,width -of csv=p=0 '" +
                                               folder_ / "out/master.m3u8" + "' | sort | uniq");
  EXPECT_NE(probed.find("h264"), std::string::npos) << probed;
  EXPECT_NE(probed.find("aac"), std::string::npos) << probed;
  EXPECT_EQ(media::RunProgram("ffmpeg -v error -i '" + folder_ / "out/master.m3u8" + "' -f null - 2>&1"), "");

  auto remove = workflow::v1::DeletePrefixInput();
  remove.set_prefix("processed/v1/");
  RecordedExecution deletion("storage.DeletePrefix", "delete", remove);
  ASSERT_TRUE(DeletePrefix(*context_, deletion).ok);
  EXPECT_EQ(store_->Head("processed/v1/master.m3u8").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace vora::transcode
