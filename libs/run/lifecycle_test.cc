#include "libs/run/lifecycle.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <future>
#include <thread>

#include "libs/testing/status_matchers.h"

namespace vora {
namespace {

TEST(ReadinessTest, IsReadyOnlyBetweenStartAndDrain) {
  Readiness readiness;
  EXPECT_EQ(readiness.Check(), Unavailable("starting"));
  readiness.SetStarted();
  EXPECT_THAT(readiness.Check(), IsOk());
  readiness.SetDraining();
  EXPECT_EQ(readiness.Check(), Unavailable("draining"));
  EXPECT_TRUE(readiness.draining());
}

TEST(ReadinessTest, NamesEveryFailingCheckAndRecovers) {
  Readiness readiness;
  readiness.SetStarted();
  Status database = Unavailable("connection refused");
  readiness.AddCheck("postgres", [&] { return database; });
  readiness.AddCheck("storage", [] { return absl::OkStatus(); });
  readiness.AddCheck("orchestrator", [] { return DeadlineExceeded("no answer"); });
  EXPECT_EQ(readiness.Check(), Unavailable("postgres: connection refused; orchestrator: no answer"));
  database = absl::OkStatus();
  EXPECT_EQ(readiness.Check(), Unavailable("orchestrator: no answer"));
}

TEST(ReadinessTest, ACheckThatDoesNotAnswerCountsAsFailingAndHoldsUpNobody) {
  std::promise<void> healed;
  std::atomic<int> calls{0};
  Readiness readiness(std::chrono::milliseconds(50));
  readiness.SetStarted();
  readiness.AddCheck("database", [&, wait = healed.get_future().share()] {
    ++calls;
    wait.wait();
    return absl::OkStatus();
  });
  readiness.AddCheck("storage", [] { return Unavailable("away"); });
  const auto probe = [&] { return readiness.Check(); };
  auto first = std::async(std::launch::async, probe), second = std::async(std::launch::async, probe);
  for (auto* asked : {&first, &second}) {
    const bool answered = asked->wait_for(std::chrono::seconds(30)) == std::future_status::ready;
    EXPECT_TRUE(answered);
    if (answered) {
      EXPECT_EQ(asked->get(), Unavailable("database: no answer within 50 ms; storage: away"));
    }
  }
  EXPECT_EQ(calls, 1) << "the one that waits is not called again";
  healed.set_value();
  // The answer of the call that waited is nobody's any more; the next one is.
  while (Message(readiness.Check()) != "storage: away") std::this_thread::yield();
}

TEST(ReadinessTest, StopJoinsACheckThatRuns) {
  std::promise<void> begun, healed;
  bool ended = false;
  Readiness readiness(std::chrono::milliseconds(1));
  readiness.SetStarted();
  readiness.AddCheck("database", [&, wait = healed.get_future().share()] {
    begun.set_value();
    wait.wait();
    ended = true;
    return absl::OkStatus();
  });
  EXPECT_EQ(readiness.Check(), Unavailable("database: no answer within 1 ms"));
  begun.get_future().wait();
  const auto healing = std::async(std::launch::async, [&] { healed.set_value(); });
  readiness.Stop();
  EXPECT_TRUE(ended);
}

TEST(ShutdownSignalTest, WaitsForTheBlockedSignal) {
  BlockShutdownSignals();
  kill(getpid(), SIGTERM);
  EXPECT_EQ(WaitForShutdownSignal(), SIGTERM);
  kill(getpid(), SIGINT);
  EXPECT_EQ(WaitForShutdownSignal(), SIGINT);
}

}  // namespace
}  // namespace vora
