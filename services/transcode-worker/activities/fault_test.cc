#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "services/transcode-worker/activities/encode_fixture.h"

namespace vora::transcode {
namespace {

class FaultTest : public EncodeTest {};

TEST_F(FaultTest, AKilledEncoderFailsOnlyItsOwnActivity) {
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
  // The retry goes on after the checkpoint.
  EXPECT_GE(Published(victim->checkpoint()), 2);
  auto retry = Task(Chunk(720, 0, 10), victim->checkpoint());
  Run({retry});
  EXPECT_EQ(Result(*retry).segments().segments_size(), 10);
}

TEST_F(FaultTest, AKilledDecoderFailsItsRenditionsRetryably) {
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

TEST_F(FaultTest, AStoppedEncoderIsFoundOutAndTheOthersGoOn) {
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

TEST_F(FaultTest, AStoreAwayForAWhileIsWaitedOut) {
  UseSource(media::MakeUsualSource(folder_, "a.mp4", 8));
  auto task = Task(Chunk(180, 0, 4));
  std::thread fault([&] {
    task->WaitFor([](double, const std::string& checkpoint) { return Published(checkpoint) >= 1; });
    store_->SetAway(true);
    while (store_->refused() < 3) std::this_thread::yield();
    store_->SetAway(false);
  });
  Run({task});
  fault.join();
  EXPECT_EQ(Result(*task).segments().segments_size(), 4);
}

TEST_F(FaultTest, AStoreAwayForLongFailsRetryably) {
  options_.store_patience = std::chrono::milliseconds(300);
  UseSource(media::MakeUsualSource(folder_, "a.mp4", 4));
  Remake();
  store_->SetAway(true);
  auto task = Task(Chunk(90, 0, 2));
  Run({task});
  EXPECT_EQ(task->failure().code(), "store.unavailable");
  EXPECT_FALSE(task->failure().non_retryable());
}

TEST_F(FaultTest, DrainHandsBackWithACheckpointAndCancelStops) {
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

TEST_F(FaultTest, ChildrenAreCaged) {
  UseSource(media::MakeUsualSource(folder_, "a.mp4", 20, 1280, 720));
  auto task = Task(Chunk(720, 0, 10));
  std::thread inspector([&] {
    ASSERT_TRUE(task->WaitFor([](double progress, const std::string&) { return progress > 0.02; }));
    for (const char* role : {"--child=decode", "--child=encode"}) {
      const std::vector<int> pids = FindChildren({role});
      ASSERT_EQ(pids.size(), 1U) << role;
      const std::string proc = "/proc/" + std::to_string(pids[0]);
      EXPECT_NE(media::ReadFile(proc + "/status").find("NoNewPrivs:\t1"), std::string::npos);
      EXPECT_NE(media::ReadFile(proc + "/status").find("Seccomp:\t2"), std::string::npos);
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

TEST_F(FaultTest, MemoryOfAChildIsBounded) {
  UseSource(media::MakeUsualSource(folder_, "a.mp4", 3, 1920, 1080));
  options_.memory_limit = 24 << 20;
  Remake();
  auto task = Task(Chunk(720, 0, 1));
  Run({task});
  EXPECT_EQ(task->ended(), "failed");
  EXPECT_FALSE(task->failure().non_retryable()) << task->failure().ShortDebugString();
}

}  // namespace
}  // namespace vora::transcode
