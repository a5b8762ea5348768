#include "services/amqp-bridge/bridge_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/core/error.h"
#include "libs/testing/status_matchers.h"

namespace vora::amqp {
namespace {

BridgeSettings Of(const std::string& url) {
  BridgeSettings settings;
  settings.url = url;
  return settings;
}

TEST(BridgeSettingsTest, TheUrlNamesTheBroker) {
  const auto full = Of("amqps://cms:p%40ss@mq.example:5672/%2fmedia").Broker();
  ASSERT_THAT(full, IsOk());
  EXPECT_EQ(full->host, "mq.example");
  EXPECT_EQ(full->port, 5672);
  EXPECT_EQ(full->user, "cms");
  EXPECT_EQ(full->password, "p@ss");
  EXPECT_EQ(full->vhost, "/media");
  EXPECT_TRUE(full->tls);
  const auto least = Of("amqp://mq.example").Broker();
  ASSERT_THAT(least, IsOk());
  EXPECT_EQ(least->port, 5672);
  EXPECT_EQ(least->vhost, "/");
  EXPECT_EQ(Of("amqp://mq.example/").Broker()->vhost, "/");
  EXPECT_EQ(Of("amqps://mq.example").Broker()->port, 5671);
}

TEST(BridgeSettingsTest, MistakesNameTheVariable) {
  const auto field = [](const BridgeSettings& settings) { return DetailOf(settings.Broker().status()).field; };
  EXPECT_EQ(field(Of("http://mq.example")), "VORA_AMQP_URL");
  EXPECT_THAT(vora::Message(Of("amqp://u:geheim@host:x/").Broker().status()), ::testing::Not(::testing::HasSubstr("geheim")));
  BridgeSettings settings = Of("amqp://mq.example");
  settings.subscription = "Upper";
  EXPECT_EQ(field(settings), "VORA_AMQP_SUBSCRIPTION");
  settings = Of("amqp://mq.example");
  settings.queue = std::string(256, 'q');
  EXPECT_EQ(field(settings), "VORA_AMQP_QUEUE");
  settings = Of("amqp://mq.example");
  settings.token = "t";
  settings.token_file = "f";
  EXPECT_EQ(field(settings), "VORA_TOKEN");
}

}  // namespace
}  // namespace vora::amqp
