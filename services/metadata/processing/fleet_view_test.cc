#include "services/metadata/processing/fleet_view.h"

#include <atomic>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"
#include "services/metadata/processing/orchestrator_client.h"

namespace vora::metadata {
namespace {

using ::testing::HasSubstr;

TEST(FleetViewTest, ParsesNamesAndAddresses) {
  const auto fleet = ParseFleet({"upload=127.0.0.1:9081", "worker-2=worker-2.local:9086"});
  ASSERT_THAT(fleet, IsOk());
  ASSERT_EQ(fleet->size(), 2u);
  EXPECT_EQ((*fleet)[1].name, "worker-2");
  EXPECT_EQ((*fleet)[1].address, "worker-2.local:9086");
  for (const char* bad : {"upload", "=127.0.0.1:1", "upload=127.0.0.1"}) {
    const auto refused = ParseFleet({bad});
    EXPECT_THAT(refused, StatusIs(StatusCode::kInvalidArgument)) << bad;
    EXPECT_THAT(Message(refused.status()), HasSubstr(bad));
  }
}

TEST(FleetViewTest, ShowsWhatIsNotReadyAndWhatIsAway) {
  // Port 1 of the loopback: nobody listens there.
  OrchestratorClient orchestrator("127.0.0.1:1");
  Status self = Unavailable("the database is away");
  FleetView view({{"upload", "127.0.0.1:1"}}, orchestrator, [&] { return self; });
  const v1::Fleet fleet = view.Get();
  ASSERT_EQ(fleet.daemons_size(), 2);
  EXPECT_EQ(fleet.daemons(0).name(), "metadata");
  EXPECT_EQ(fleet.daemons(0).state(), "not_ready");
  EXPECT_EQ(fleet.daemons(0).detail(), "the database is away");
  EXPECT_EQ(fleet.daemons(1).state(), "away");
  EXPECT_THAT(fleet.daemons(1).detail(), HasSubstr("no answer"));
  EXPECT_THAT(fleet.orchestrator_error(), HasSubstr("orchestrator"));
}

TEST(FleetViewTest, WhoComesWhileAnotherAsksIsToldWhatIsKnown) {
  OrchestratorClient orchestrator("127.0.0.1:1");
  std::atomic<bool> slow = false;
  std::promise<void> begun, end;
  FleetView view({}, orchestrator, [&] {
    if (slow.exchange(false)) {
      begun.set_value();
      end.get_future().wait();
      return Status(Unavailable("the second answer"));
    }
    return Status();
  });
  EXPECT_EQ(view.Get().daemons(0).state(), "ready");
  // Until what is known has grown old, and is asked for anew.
  slow = true;
  auto asks = std::async(std::launch::async, [&] {
    v1::Fleet fleet = view.Get();
    while (slow) fleet = view.Get();
    return fleet;
  });
  begun.get_future().wait();
  EXPECT_EQ(view.Get().daemons(0).state(), "ready");
  end.set_value();
  EXPECT_EQ(asks.get().daemons(0).detail(), "the second answer");
}

}  // namespace
}  // namespace vora::metadata
