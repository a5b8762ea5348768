#include "libs/run/lifecycle.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

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

TEST(ShutdownSignalTest, WaitsForTheBlockedSignal) {
  BlockShutdownSignals();
  kill(getpid(), SIGTERM);
  EXPECT_EQ(WaitForShutdownSignal(), SIGTERM);
  kill(getpid(), SIGINT);
  EXPECT_EQ(WaitForShutdownSignal(), SIGINT);
}

}  // namespace
}  // namespace vora
