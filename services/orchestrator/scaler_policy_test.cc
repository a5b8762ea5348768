#include "services/orchestrator/scaler_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"

namespace vora::orchestrator {
namespace {

using ::testing::HasSubstr;
using Metadata = std::map<std::string, std::string>;

TEST(ScalerPolicyTest, ReadsATriggerAndPassesOverWhatIsForKeda) {
  const auto trigger = ParseTrigger({{"queue", "transcode"}, {"targetEncodeSeconds", "62.5"}, {"scalerAddress", "vora-orchestrator:9085"}});
  ASSERT_THAT(trigger, IsOk());
  EXPECT_EQ(trigger->queue, "transcode");
  EXPECT_EQ(trigger->target_encode_seconds, 62.5);
}

void ExpectRefused(const Metadata& metadata, const std::string& why) {
  const auto trigger = ParseTrigger(metadata);
  ASSERT_THAT(trigger, ::testing::Not(IsOk()));
  EXPECT_THAT(trigger, StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Message(trigger.status()), HasSubstr(why));
}

TEST(ScalerPolicyTest, NamesTheMistake) {
  ExpectRefused({{"targetEncodeSeconds", "60"}}, "queue: missing");
  ExpectRefused({{"queue", ""}, {"targetEncodeSeconds", "60"}}, "queue: missing");
  ExpectRefused({{"queue", std::string(201, 'q')}, {"targetEncodeSeconds", "60"}}, "queue: must have 1 to 200 characters");
  ExpectRefused({{"queue", "transcode"}}, "targetEncodeSeconds: missing");
  for (const char* wrong : {"0", "-1", "86401", "soon", "60s", " 60", "nan", "inf", "1e999"}) {
    SCOPED_TRACE(wrong);
    ExpectRefused({{"queue", "transcode"}, {"targetEncodeSeconds", wrong}}, "targetEncodeSeconds: must be a number of seconds above 0");
  }
}

TEST(ScalerPolicyTest, CountsWhatWaitsAndWhatRuns) {
  workflow::v1::DescribeQueuesResponse queues;
  auto* other = queues.add_queues();
  other->set_name("metadata");
  other->set_ready(100);
  other->set_estimated_cost(1000);
  auto* queue = queues.add_queues();
  queue->set_name("transcode");
  queue->set_ready(3);
  queue->set_delayed(2);
  queue->set_running(1);
  queue->set_estimated_cost(12.5);
  queue->set_running_cost(1.25);
  EXPECT_EQ(LoadOf(queues, "transcode").activities, 6);
  EXPECT_EQ(LoadOf(queues, "transcode").encode_seconds, 13.75);
  queue->mutable_settings()->set_paused(true);
  EXPECT_EQ(LoadOf(queues, "transcode").activities, 1) << "more workers would begin nothing";
  EXPECT_EQ(LoadOf(queues, "transcode").encode_seconds, 1.25);
  EXPECT_EQ(LoadOf(queues, "nobody's").activities, 0);
  EXPECT_EQ(LoadOf(queues, "nobody's").encode_seconds, 0);
}

TEST(ScalerPolicyTest, MetricNamesAreOnesThatKubernetesTakes) {
  EXPECT_EQ(MetricName("transcode"), "vora-encode-seconds-transcode");
  EXPECT_EQ(MetricName("big/4k hevc"), "vora-encode-seconds-big-4k-hevc");
}

}  // namespace
}  // namespace vora::orchestrator
