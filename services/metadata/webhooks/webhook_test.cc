#include "services/metadata/webhooks/webhook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"
#include "services/metadata/webhooks/webhook_signature.h"
#include "services/metadata/webhooks/webhook_target.h"

namespace vora::metadata {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(WebhookSignatureTest, IsThatOfThePublishedExample) {
  EXPECT_EQ(SignWebhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(WebhookSignatureTest, SecretsAreMadeAndChecked) {
  const std::string secret = NewWebhookSecret();
  EXPECT_THAT(CheckWebhookSecret(secret), IsOk()) << secret;
  EXPECT_NE(secret, NewWebhookSecret());
  for (const char* bad : {"", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!!9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}) {
    EXPECT_THAT(Message(CheckWebhookSecret(bad)), StartsWith("secret: ")) << bad;
  }
}

TEST(WebhookFieldsTest, ReadsAllFields) {
  const auto fields = ParseWebhookFields(
      R"({"url":"https://a.example/x","events":["video.ready","video.failed","video.ready"],"description":"mine","enabled":false,
          "secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})",
      true);
  ASSERT_THAT(fields, IsOk()) << Message(fields.status());
  EXPECT_EQ(fields->url, "https://a.example/x");
  EXPECT_EQ(*fields->events, (std::vector<std::string>{"video.ready", "video.failed"}));
  EXPECT_EQ(fields->description, "mine");
  EXPECT_EQ(fields->enabled, false);
  EXPECT_EQ(fields->secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  const auto none = ParseWebhookFields("{}", false);
  ASSERT_THAT(none, IsOk());
  EXPECT_FALSE(none->url || none->events || none->enabled);
}

TEST(WebhookFieldsTest, MistakesNameTheField) {
  const std::pair<const char*, const char*> create[] = {
      {"", "body: "},
      {"[]", "body: "},
      {"{}", "url: "},
      {R"({"url":7})", "url: "},
      {R"({"url":"https://a","events":[]})", "events: "},
      {R"({"url":"https://a","events":"video.ready"})", "events: "},
      {R"({"url":"https://a","events":["video.exploded"]})", "events: "},
      {R"({"url":"https://a","events":[1]})", "events: "},
      {R"({"url":"https://a","enabled":"yes"})", "enabled: "},
      {R"({"url":"https://a","secret":"short"})", "secret: "},
      {R"({"url":"https://a","description":"a\nb"})", "description: "},
      {R"({"url":"https://a","tenant":"other"})", "tenant: "},
  };
  for (const auto& [body, field] : create) EXPECT_THAT(Message(ParseWebhookFields(body, true).status()), StartsWith(field)) << body;
  EXPECT_THAT(Message(ParseWebhookFields(R"({"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})", false).status()),
              StartsWith("secret: "));
}

TEST(WebhookBackoffTest, TriesForAboutThreeDays) {
  EXPECT_EQ(WebhookBackoff(1, {}, 0.5), milliseconds(5000));
  EXPECT_EQ(WebhookBackoff(1, {}, 0), milliseconds(4000));
  EXPECT_EQ(WebhookBackoff(1, {}, 1), milliseconds(6000));
  EXPECT_EQ(WebhookBackoff(2, {}, 0.5), milliseconds(20'000));
  milliseconds sum{0};
  int attempts = 1;
  for (; const auto pause = WebhookBackoff(attempts, {}, 0.5); ++attempts) {
    EXPECT_LE(*pause, hours(12));
    sum += *pause;
  }
  EXPECT_EQ(attempts, 13);
  EXPECT_GT(sum, hours(60));
  EXPECT_LT(sum, hours(80));
}

TEST(WebhookBackoffTest, WaitsAsLongAsTheReceiverAsks) {
  EXPECT_EQ(WebhookBackoff(1, seconds(60), 0.5), seconds(60));
  EXPECT_EQ(WebhookBackoff(1, seconds(1), 0.5), seconds(5));
  EXPECT_EQ(WebhookBackoff(1, hours(48), 0.5), hours(12));
  EXPECT_EQ(WebhookBackoff(13, seconds(60), 0.5), std::nullopt);
}

TEST(WebhookTargetTest, ReadsUrls) {
  const auto target = curl::ParseOutboundUrl("https://Hooks.example:8443/a?b=c", WebhookRules(false));
  ASSERT_THAT(target, IsOk()) << Message(target.status());
  EXPECT_EQ(target->port, "8443");
  EXPECT_EQ(curl::ParseOutboundUrl("https://a.example/", WebhookRules(false))->port, "443");
  EXPECT_EQ(curl::ParseOutboundUrl("https://[2606:4700::1]/", WebhookRules(false))->host, "2606:4700::1");
  EXPECT_THAT(curl::ParseOutboundUrl("http://a.example/", WebhookRules(true)), IsOk());
}

TEST(WebhookTargetTest, RefusesWhatIsNoPlainHttpsUrl) {
  for (const char* bad :
       {"", "https://", "a.example/x", "/x", "http://a.example/", "ftp://a.example/", "file:///etc/passwd", "gopher://a.example/",
        "https://u@a.example/", "https://u:p@a.example/", "https://@a.example/", "https://a.example/#x", "https://a example/",
        "https://a.example/\nHost: b", "https://[fe80::1%25eth0]/", "https://a.example:99999/", "javascript:alert(1)"}) {
    const auto target = curl::ParseOutboundUrl(bad, WebhookRules(false));
    EXPECT_THAT(target, StatusIs(StatusCode::kInvalidArgument)) << bad;
    EXPECT_THAT(Message(target.status()), StartsWith("url: ")) << bad;
  }
  EXPECT_THAT(curl::ParseOutboundUrl("https://a.example/" + std::string(2000, 'a'), WebhookRules(false)), ::testing::Not(IsOk()));
}

TEST(WebhookTargetTest, EverySpellingOfAPrivateAddressIsRefused) {
  for (const char* host : {"127.0.0.1",
                           "127.1",
                           "2130706433",
                           "0x7f000001",
                           "0x7f.1",
                           "0177.0.0.1",
                           "017700000001",
                           "localhost",
                           "[::1]",
                           "[::ffff:127.0.0.1]",
                           "[::ffff:7f00:1]",
                           "10.0.0.1",
                           "192.168.1.1",
                           "172.16.0.1",
                           "169.254.169.254",
                           "0xa9fea9fe",
                           "100.64.0.1",
                           "0.0.0.0",
                           "0",
                           "[::]",
                           "[fe80::1]",
                           "[fd00::1]",
                           "[64:ff9b::7f00:1]",
                           "[2002:7f00:1::]",
                           "224.0.0.1",
                           "255.255.255.255",
                           "127.0.0.1."}) {
    const std::string url = "https://" + std::string(host) + "/x";
    const auto target = curl::ParseOutboundUrl(url, WebhookRules(false));
    if (!target.ok()) continue;
    const auto addresses = curl::ResolveOutbound(*target, WebhookRules(false));
    ASSERT_THAT(addresses, ::testing::Not(IsOk())) << url;
    EXPECT_THAT(Message(addresses.status()), StartsWith("url: ")) << url;
    // A spelling that the resolver does not know is as good as refused.
    if (addresses.status().code() != StatusCode::kUnavailable) {
      EXPECT_THAT(Message(addresses.status()), HasSubstr("is not public")) << url;
      EXPECT_THAT(curl::ResolveOutbound(*target, WebhookRules(true)), IsOk()) << url;
    }
  }
  for (const char* url : {"https://8.8.8.8/", "https://[2606:4700::1111]/"}) {
    const auto addresses = curl::ResolveOutbound(*curl::ParseOutboundUrl(url, WebhookRules(false)), WebhookRules(false));
    // Without an IPv6 route the resolver may still read the literal.
    EXPECT_THAT(addresses, IsOk()) << url << " " << Message(addresses.status());
  }
}

}  // namespace
}  // namespace vora::metadata
