// Events that are fetched, in a real PostgreSQL: each is given until it is acknowledged, to one at a time.

#include "services/metadata/webhooks/subscription_repo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include <nlohmann/json.hpp>

#include "libs/core/error.h"
#include "libs/testing/status_matchers.h"
#include "services/metadata/harness_test.h"
#include "services/metadata/webhooks/webhook_repo.h"

namespace vora::metadata {
namespace {

using ::testing::IsEmpty;

class SubscriptionRepoTest : public ::testing::Test {
 protected:
  std::vector<v1::Event> Fetch(const std::string& name = "amqp", const std::string& tenant = "default") {
    v1::FetchEventsRequest request;
    request.set_subscription(name);
    const auto fetched = subscriptions_.Fetch(tenant, request);
    EXPECT_THAT(fetched, IsOk()) << Message(fetched.status());
    return {fetched->events().begin(), fetched->events().end()};
  }
  void Acknowledge(const std::string& id, const std::string& name = "amqp", const std::string& tenant = "default") {
    v1::AcknowledgeEventsRequest request;
    request.set_subscription(name);
    request.add_event_ids(id);
    EXPECT_THAT(subscriptions_.Acknowledge(tenant, request), IsOk());
  }
  // A video that goes through two states; its id.
  std::string Video(const std::string& upload) {
    const std::string id = repos_.videos.Create(SomeVideo(upload))->video.video_id();
    for (const char* state : {"PROCESSING", "FAILED"}) {
      workflow::v1::RecordVideoInput input;
      input.set_video_id(id);
      input.set_state(state);
      EXPECT_THAT(repos_.records.RecordVideo("run", input).status(), IsOk());
    }
    return id;
  }
  void Sql(const std::string& sql) {
    const Status done = repos_.store.Transact([&](pqxx::work& tx) -> Status {
      tx.exec(sql);
      return {};
    });
    ASSERT_THAT(done, IsOk()) << Message(done);
  }
  void EndLeases() { Sql("UPDATE webhook_deliveries SET next_attempt_at = now()"); }

  Repos repos_;
  SubscriptionRepo subscriptions_{repos_.store};
};

TEST_F(SubscriptionRepoTest, AnEventIsGivenUntilItIsAcknowledged) {
  Video("before");
  EXPECT_THAT(Fetch(), IsEmpty()) << "it holds what happens from now on";
  const std::string id = Video("u1");
  const auto events = Fetch();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].type(), "video.processing");
  EXPECT_EQ(events[1].type(), "video.failed");
  const auto body = nlohmann::json::parse(events[1].body());
  EXPECT_EQ(body["data"]["video_id"], id);
  EXPECT_EQ(body["data"]["state"], "FAILED");
  EXPECT_THAT(Fetch(), IsEmpty()) << "somebody is at them";
  Acknowledge(events[0].event_id());
  Acknowledge(events[0].event_id());
  Acknowledge("msg_unknown");
  EndLeases();
  const auto again = Fetch();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].event_id(), events[1].event_id());
  EXPECT_EQ(again[0].body(), events[1].body());
  Acknowledge(again[0].event_id());
  EndLeases();
  EXPECT_THAT(Fetch(), IsEmpty());
}

TEST_F(SubscriptionRepoTest, TenantsAndSubscriptionsAreApart) {
  EXPECT_THAT(Fetch("one"), IsEmpty());
  EXPECT_THAT(Fetch("two"), IsEmpty());
  EXPECT_THAT(Fetch("one", "other"), IsEmpty());
  Video("u1");
  const auto one = Fetch("one");
  EXPECT_EQ(one.size(), 2u);
  Acknowledge(one[0].event_id(), "two");
  Acknowledge(one[0].event_id(), "one", "other");
  EXPECT_EQ(Fetch("two").size(), 2u);
  EXPECT_THAT(Fetch("one", "other"), IsEmpty()) << "another tenant's videos";
  EndLeases();
  EXPECT_EQ(Fetch("one").size(), 2u) << "acknowledged by nobody who may";
}

TEST_F(SubscriptionRepoTest, NoEventIsGivenToTwoAtOnce) {
  Fetch();
  for (int i = 0; i < 20; ++i) Video("u" + std::to_string(i));
  std::vector<v1::Event> first, second;
  const auto drain = [&](std::vector<v1::Event>& all) {
    while (true) {
      v1::FetchEventsRequest request;
      request.set_subscription("amqp");
      request.set_max_events(3);
      const auto some = subscriptions_.Fetch("default", request);
      ASSERT_THAT(some, IsOk()) << Message(some.status());
      if (some->events().empty()) return;
      all.insert(all.end(), some->events().begin(), some->events().end());
    }
  };
  std::thread other([&] { drain(first); });
  drain(second);
  other.join();
  std::set<std::string> ids;
  for (const auto* all : {&first, &second}) {
    for (const auto& event : *all) ids.insert(event.event_id());
  }
  EXPECT_EQ(ids.size(), 40u);
  EXPECT_EQ(first.size() + second.size(), 40u);
}

TEST_F(SubscriptionRepoTest, ASubscriptionIsNoWebhook) {
  WebhookRepo webhooks(repos_.store);
  Fetch();
  Video("u1");
  EXPECT_THAT(*webhooks.List("default"), IsEmpty());
  EXPECT_FALSE(*webhooks.Claim(std::chrono::seconds(30), 2)) << "there is nobody to call";
  EXPECT_EQ(webhooks.Backlog()->pending, 0);
}

TEST_F(SubscriptionRepoTest, OneThatNobodyFetchesFromIsDropped) {
  Fetch("old");
  Fetch("young");
  Video("u1");
  Sql("UPDATE webhooks SET fetched_at = now() - interval '31 days'");
  EXPECT_EQ(Fetch("young").size(), 2u) << "which counts";
  EXPECT_EQ(*subscriptions_.Purge(std::chrono::hours(24 * 30)), 1);
  EXPECT_THAT(Fetch("old"), IsEmpty()) << "it begins anew";
  EndLeases();
  EXPECT_EQ(Fetch("young").size(), 2u);
}

TEST_F(SubscriptionRepoTest, LimitsAreNamed) {
  const auto field = [&](const v1::FetchEventsRequest& request) {
    return DetailOf(subscriptions_.Fetch("default", request).status()).field;
  };
  v1::FetchEventsRequest request;
  for (const std::string& name : {std::string(), std::string("Upper"), std::string("a b"), std::string(64, 'a')}) {
    request.set_subscription(name);
    EXPECT_EQ(field(request), "subscription") << name;
  }
  request.set_subscription("amqp");
  request.set_max_events(201);
  EXPECT_EQ(field(request), "max_events");
  request.set_max_events(-1);
  EXPECT_EQ(field(request), "max_events");
  v1::AcknowledgeEventsRequest acknowledge;
  acknowledge.set_subscription("amqp");
  for (int i = 0; i < 201; ++i) acknowledge.add_event_ids("x");
  EXPECT_EQ(DetailOf(subscriptions_.Acknowledge("default", acknowledge).status()).field, "event_ids");
  for (int i = 0; i < kMaxSubscriptions; ++i) Fetch("s" + std::to_string(i));
  request.set_max_events(0);
  EXPECT_THAT(subscriptions_.Fetch("default", request), StatusIs(StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace vora::metadata
