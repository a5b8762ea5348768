// Events that are fetched, in a real PostgreSQL: each is given until it is acknowledged, to one at a time.

#include "services/metadata/webhooks/subscription_repo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include <nlohmann/json.hpp>

#include "libs/core/error.h"
#include "libs/testing/status_matchers.h"
#include "services/metadata/harness_test.h"
#include "services/metadata/rows/subscription_rows_internal.h"
#include "services/metadata/webhooks/webhook_repo.h"

namespace vora::metadata {
namespace {

using ::testing::ElementsAre;
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
  void AddRecipients(const std::string& subscription, const std::string& video_id, const std::vector<std::string>& recipients) {
    const Status added = repos_.store.Transact([&](pqxx::work& tx) -> Status {
      VORA_ASSIGN_OR_RETURN(const std::string id, FindOrSubscribe(tx, "default", subscription));
      for (const auto& recipient : recipients) VORA_RETURN_IF_ERROR(AddRecipient(tx, id, video_id, recipient));
      return {};
    });
    ASSERT_THAT(added, IsOk()) << Message(added);
  }
  int Recipients() {
    return *repos_.store.Read(
        [](pqxx::nontransaction& tx) -> StatusOr<int> { return tx.exec1("SELECT count(*) FROM video_recipients")[0].as<int>(); });
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

TEST_F(SubscriptionRepoTest, RecipientsAreThoseOfTheSubscriptionAndGoWithTheVideo) {
  Fetch("one");
  Fetch("two");
  const std::string id = Video("u1");
  Video("u2");
  AddRecipients("one", id, {"a", "b"});
  AddRecipients("two", id, {"c"});
  const auto told = [](const std::vector<v1::Event>& events) {
    std::map<std::string, std::vector<std::string>> recipients;
    for (const auto& event : events) {
      const std::string video = nlohmann::json::parse(event.body())["data"]["video_id"];
      recipients[event.type() + " " + video] = {event.recipients().begin(), event.recipients().end()};
    }
    return recipients;
  };
  const auto earlier = Fetch("one");
  const auto one = told(earlier);
  ASSERT_EQ(one.size(), 4u);
  EXPECT_THAT(one.at("video.failed " + id), ElementsAre("a", "b"));
  EXPECT_EQ(std::count_if(one.begin(), one.end(), [](const auto& event) { return event.second.empty(); }), 2) << "of the other video";
  EXPECT_THAT(told(Fetch("two")).at("video.processing " + id), ElementsAre("c"));
  ASSERT_THAT(repos_.videos.Delete("default", id), IsOk());
  const auto deleted = Fetch("one");
  ASSERT_EQ(deleted.size(), 1u);
  EXPECT_THAT(deleted[0].recipients(), ElementsAre("a", "b"));
  Acknowledge(deleted[0].event_id(), "one");
  EXPECT_EQ(Recipients(), 3) << "earlier events are owed, and may be due again";
  for (const auto& event : earlier) Acknowledge(event.event_id(), "one");
  EXPECT_EQ(Recipients(), 1) << "of the one whom nobody told so far";
  EXPECT_EQ(Fetch("two").size(), 1u);
  Sql("UPDATE webhooks SET fetched_at = now() - interval '31 days'");
  EXPECT_EQ(*subscriptions_.Purge(std::chrono::hours(24 * 30)), 2);
  EXPECT_EQ(Recipients(), 0);
}

TEST_F(SubscriptionRepoTest, WhatIsGivenAtOnceFitsIntoAMessage) {
  Fetch();
  std::vector<std::string> many;
  for (int i = 0; i < kMaxRecipients; ++i) many.push_back(std::to_string(i) + std::string(1900, 'x'));
  for (const char* upload : {"u1", "u2", "u3"}) AddRecipients("amqp", Video(upload), many);
  std::set<std::string> ids;
  for (int i = 0; i < 6; ++i) {
    const auto events = Fetch();
    ASSERT_EQ(events.size(), 1u) << "two of them are too large, and one is always given";
    EXPECT_EQ(events[0].recipients_size(), kMaxRecipients);
    ids.insert(events[0].event_id());
  }
  EXPECT_EQ(ids.size(), 6u);
  EXPECT_THAT(Fetch(), IsEmpty());
}

TEST_F(SubscriptionRepoTest, TheBacklogIsWhatWasNotAcknowledged) {
  EXPECT_EQ(subscriptions_.Backlog()->pending, 0);
  EXPECT_EQ(subscriptions_.Backlog()->oldest_seconds, 0);
  Fetch();
  Video("u1");
  Sql("UPDATE webhook_deliveries SET created_at = now() - interval '1 hour' WHERE event = 'video.processing'");
  const auto events = Fetch();
  EXPECT_EQ(subscriptions_.Backlog()->pending, 2) << "whoever fetched them may have died";
  EXPECT_GE(subscriptions_.Backlog()->oldest_seconds, 3600);
  Acknowledge(events[0].event_id());
  EXPECT_EQ(subscriptions_.Backlog()->pending, 1);
  EXPECT_LT(subscriptions_.Backlog()->oldest_seconds, 3600);
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
