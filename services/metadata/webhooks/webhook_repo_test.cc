// Webhooks in a real PostgreSQL: what a change of a video adds, and how deliveries are taken, repeated and given up.

#include "services/metadata/webhooks/webhook_repo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include <nlohmann/json.hpp>

#include "libs/testing/status_matchers.h"
#include "services/metadata/harness_test.h"

namespace vora::metadata {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

class WebhookRepoTest : public ::testing::Test {
 protected:
  Webhook Add(const std::string& tenant = "default", std::optional<std::vector<std::string>> events = {}) {
    WebhookFields fields;
    fields.url = "https://a.example/";
    fields.events = std::move(events);
    const auto created = webhooks_.Create(tenant, fields, kSecret);
    EXPECT_THAT(created, IsOk()) << Message(created.status());
    return *created;
  }
  std::string Video(const std::string& upload) { return repos_.videos.Create(SomeVideo(upload))->video.video_id(); }
  Status Fail(const std::string& id) {
    workflow::v1::RecordVideoInput input;
    input.set_video_id(id);
    input.set_state("FAILED");
    input.set_failure_code("media.broken");
    input.set_failure("it broke");
    return repos_.records.RecordVideo("run", input).status();
  }
  std::vector<WebhookDelivery> Deliveries(const Webhook& webhook) {
    return webhooks_.Deliveries(webhook.tenant, webhook.webhook_id, "", 0, 200)->deliveries;
  }
  std::optional<WebhookAttempt> Claim(int at_once = 2) { return *webhooks_.Claim(seconds(30), at_once); }
  void Sql(const std::string& sql) {
    const Status done = repos_.store.Transact([&](pqxx::work& tx) -> Status {
      tx.exec(sql);
      return {};
    });
    ASSERT_THAT(done, IsOk()) << Message(done);
  }

  Repos repos_;
  WebhookRepo webhooks_{repos_.store};
};

TEST_F(WebhookRepoTest, AChangeOfAVideoIsToldToThoseWhoWantIt) {
  const Webhook all = Add();
  const Webhook deleted = Add("default", {{"video.deleted"}});
  const Webhook other = Add("other");
  const std::string id = Video("u1");
  EXPECT_TRUE(Deliveries(all).empty()) << "CREATED is no event";
  ASSERT_THAT(Fail(id), IsOk());
  ASSERT_THAT(Fail(id), IsOk()) << "a repeated report";
  ASSERT_THAT(repos_.videos.Delete("default", id), IsOk());
  ASSERT_THAT(repos_.videos.Delete("default", id), IsOk());
  std::vector<std::string> told;
  for (const auto& delivery : Deliveries(all)) told.push_back(delivery.event);
  EXPECT_THAT(told, ElementsAre("video.deleted", "video.failed"));
  EXPECT_EQ(Deliveries(deleted).size(), 1u);
  EXPECT_TRUE(Deliveries(other).empty()) << "of another tenant";

  const auto attempt = Claim();
  ASSERT_TRUE(attempt);
  const json body = json::parse(attempt->payload);
  EXPECT_EQ(body["type"], "video.failed");
  EXPECT_EQ(body["data"]["video_id"], id);
  EXPECT_EQ(body["data"]["state"], "FAILED");
  EXPECT_EQ(body["data"]["failure"], (json{{"code", "media.broken"}, {"message", "it broke"}})) << "as it was committed";
  EXPECT_EQ(attempt->secret, kSecret);
  EXPECT_EQ(attempt->attempt, 1);
}

TEST_F(WebhookRepoTest, WhatIsRolledBackIsNotTold) {
  const Webhook webhook = Add();
  const std::string id = Video("u1");
  const Status rolled_back = repos_.store.Transact([&](pqxx::work& tx) -> Status {
    tx.exec_params("UPDATE videos SET state = 'FAILED' WHERE video_id = $1", id);
    return FailedPrecondition("no");
  });
  EXPECT_THAT(rolled_back, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_TRUE(Deliveries(webhook).empty());
}

TEST_F(WebhookRepoTest, AWebhookThatIsDeletedThisMomentDoesNotFailTheVideo) {
  const Webhook webhook = Add();
  const std::string id = Video("u1");
  std::thread video;
  Status failed = Internal("not run");
  const Status deleted = repos_.store.Transact([&](pqxx::work& tx) -> Status {
    tx.exec_params("DELETE FROM webhooks WHERE webhook_id = $1", webhook.webhook_id);
    video = std::thread([&] { failed = Fail(id); });
    EXPECT_TRUE(Eventually([&] {
      return repos_.store
          .Read([&](pqxx::nontransaction& look) -> Status {
            return look.exec("SELECT FROM pg_locks WHERE NOT granted").empty() ? NotFound("nobody waits") : Status();
          })
          .ok();
    }));
    return {};
  });
  video.join();
  EXPECT_THAT(deleted, IsOk()) << Message(deleted);
  EXPECT_THAT(failed, IsOk()) << Message(failed);
  EXPECT_EQ(repos_.videos.Get("default", id)->state(), v1::VIDEO_STATE_FAILED);
}

TEST_F(WebhookRepoTest, AVideoDoesNotWaitForAClaim) {
  const Webhook webhook = Add();
  ASSERT_THAT(webhooks_.AddTest("default", webhook.webhook_id, ""), IsOk());
  const std::string id = Video("u1");
  const Status claim = repos_.store.Transact([&](pqxx::work& tx) -> Status {
    tx.exec("SELECT FROM webhooks FOR NO KEY UPDATE");  // as a claim does
    return Fail(id);
  });
  EXPECT_THAT(claim, IsOk()) << Message(claim);
  EXPECT_EQ(Deliveries(webhook).size(), 2u);
}

TEST_F(WebhookRepoTest, OnlyDeliveriesToReceiversThatAnswerAreLate) {
  for (int i = 0; i < 2; ++i) ASSERT_THAT(webhooks_.AddTest("default", Add().webhook_id, ""), IsOk());
  Sql("UPDATE webhook_deliveries SET next_attempt_at = now() - interval '1 hour'");
  EXPECT_NEAR(webhooks_.Backlog()->oldest_seconds, 3600, 60);
  const auto first = Claim();
  ASSERT_THAT(webhooks_.Failed(*first, 500, "HTTP status 500", milliseconds(0), false, hours(72)), IsOk());
  const auto second = Claim();
  ASSERT_NE(second->webhook_id, first->webhook_id);
  EXPECT_EQ(webhooks_.Backlog()->oldest_seconds, 0) << "one is failing, the other is being sent";
  EXPECT_EQ(webhooks_.Backlog()->pending, 2);
}

TEST_F(WebhookRepoTest, ATenantSeesItsOwnOnly) {
  const Webhook webhook = Add();
  EXPECT_THAT(webhooks_.Get("other", webhook.webhook_id), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(webhooks_.Update("other", webhook.webhook_id, {}), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(webhooks_.Delete("other", webhook.webhook_id), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(webhooks_.AddTest("other", webhook.webhook_id, ""), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(webhooks_.Deliveries("other", webhook.webhook_id, "", 0, 10), StatusIs(StatusCode::kNotFound));
  EXPECT_TRUE(webhooks_.List("other")->empty());
  EXPECT_EQ(webhooks_.List("default")->size(), 1u);
  for (int i = 1; i < kMaxWebhooks; ++i) Add();
  EXPECT_THAT(webhooks_.Create("default", {}, kSecret), StatusIs(StatusCode::kFailedPrecondition));
  Add("other");
}

TEST_F(WebhookRepoTest, ChangesKeepWhatIsNotNamed) {
  const Webhook webhook = Add("default", {{"video.ready"}});
  WebhookFields fields;
  fields.enabled = false;
  const auto updated = webhooks_.Update("default", webhook.webhook_id, fields);
  ASSERT_THAT(updated, IsOk()) << Message(updated.status());
  EXPECT_FALSE(updated->enabled);
  EXPECT_EQ(updated->url, webhook.url);
  EXPECT_THAT(updated->events, ElementsAre("video.ready"));
  fields = {};
  fields.events = {"video.failed"};
  fields.url = "https://b.example/";
  EXPECT_THAT(webhooks_.Update("default", webhook.webhook_id, fields)->events, ElementsAre("video.failed"));
  EXPECT_EQ(webhooks_.Get("default", webhook.webhook_id)->url, "https://b.example/");
}

TEST_F(WebhookRepoTest, OneWebhookIsNotCalledByMoreThanAFewAtATime) {
  const Webhook busy = Add();
  for (int i = 0; i < 5; ++i) ASSERT_THAT(webhooks_.AddTest("default", busy.webhook_id, ""), IsOk());
  const auto first = Claim(), second = Claim();
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->delivery_id, second->delivery_id);
  EXPECT_FALSE(Claim()) << "a third has to wait";
  const Webhook other = Add();
  ASSERT_THAT(webhooks_.AddTest("default", other.webhook_id, ""), IsOk());
  const auto next = Claim();
  ASSERT_TRUE(next) << "another webhook has not";
  EXPECT_EQ(next->webhook_id, other.webhook_id);
  ASSERT_THAT(webhooks_.Delivered(*first, 204), IsOk());
  EXPECT_TRUE(Claim());
}

TEST_F(WebhookRepoTest, ATenantWithSlowReceiversHoldsUpItself) {
  for (int i = 0; i < 3; ++i) ASSERT_THAT(webhooks_.AddTest("default", Add().webhook_id, ""), IsOk());
  const Webhook other = Add("other");
  ASSERT_THAT(webhooks_.AddTest("other", other.webhook_id, ""), IsOk());
  ASSERT_TRUE(Claim());
  const auto next = Claim();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->webhook_id, other.webhook_id) << "though others are due for longer";
  EXPECT_TRUE(Claim());
}

TEST_F(WebhookRepoTest, TestsAreBounded) {
  const Webhook webhook = Add();
  for (int i = 0; i < kMaxWebhookTests; ++i) ASSERT_THAT(webhooks_.AddTest("default", webhook.webhook_id, ""), IsOk());
  EXPECT_THAT(webhooks_.AddTest("default", webhook.webhook_id, ""), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(webhooks_.AddTest("default", Add().webhook_id, ""), IsOk()) << "of another webhook";
  Sql("UPDATE webhook_deliveries SET created_at = created_at - interval '2 minutes'");
  EXPECT_THAT(webhooks_.AddTest("default", webhook.webhook_id, ""), IsOk());
}

TEST_F(WebhookRepoTest, AFailureComesAgainUnderTheSameIdAndInTheEndDies) {
  const Webhook webhook = Add();
  const std::string id = webhooks_.AddTest("default", webhook.webhook_id, "")->delivery_id;
  auto attempt = Claim();
  ASSERT_TRUE(attempt);
  EXPECT_FALSE(*webhooks_.Failed(*attempt, 500, "HTTP status 500", milliseconds(0), false, hours(72)));
  const std::string payload = attempt->payload;
  attempt = Claim();
  ASSERT_TRUE(attempt);
  EXPECT_EQ(attempt->delivery_id, id);
  EXPECT_EQ(attempt->payload, payload);
  EXPECT_EQ(attempt->attempt, 2);
  EXPECT_FALSE(webhooks_.Get("default", webhook.webhook_id)->failing_since.empty());
  EXPECT_FALSE(*webhooks_.Failed(*attempt, 0, "refused", {}, false, hours(72))) << "it has not failed for long";
  EXPECT_FALSE(Claim());
  const auto dead = Deliveries(webhook)[0];
  EXPECT_EQ(dead.state, "DEAD");
  EXPECT_EQ(dead.last_error, "refused");
  EXPECT_FALSE(dead.ended_at.empty());
  EXPECT_TRUE(webhooks_.Get("default", webhook.webhook_id)->enabled);

  ASSERT_THAT(webhooks_.Redeliver("default", webhook.webhook_id, id), IsOk());
  EXPECT_THAT(webhooks_.Redeliver("default", webhook.webhook_id, "msg_none"), StatusIs(StatusCode::kNotFound));
  attempt = Claim();
  ASSERT_TRUE(attempt);
  EXPECT_EQ(attempt->delivery_id, id);
  ASSERT_THAT(webhooks_.Delivered(*attempt, 200), IsOk());
  EXPECT_EQ(Deliveries(webhook)[0].state, "DELIVERED");
  EXPECT_TRUE(webhooks_.Get("default", webhook.webhook_id)->failing_since.empty());
}

TEST_F(WebhookRepoTest, WhatFailsForTooLongIsDisabledAndKeepsWhatIsPending) {
  const Webhook webhook = Add();
  for (int i = 0; i < 2; ++i) ASSERT_THAT(webhooks_.AddTest("default", webhook.webhook_id, ""), IsOk());
  const auto attempt = Claim();
  ASSERT_THAT(webhooks_.Failed(*attempt, 500, "HTTP status 500", milliseconds(0), false, hours(72)), IsOk());
  Sql("UPDATE webhooks SET failing_since = now() - interval '73 hours'");
  EXPECT_TRUE(*webhooks_.Failed(*Claim(), 500, "HTTP status 500", {}, false, hours(72)));
  const Webhook disabled = *webhooks_.Get("default", webhook.webhook_id);
  EXPECT_FALSE(disabled.enabled);
  EXPECT_THAT(disabled.disabled_reason, HasSubstr("HTTP status 500"));
  EXPECT_FALSE(Claim()) << "nothing is sent to a disabled one";
  EXPECT_EQ(webhooks_.Backlog()->pending, 0);
  ASSERT_THAT(Fail(Video("u1")), IsOk());
  EXPECT_EQ(Deliveries(webhook).size(), 2u) << "nor kept for it";
  WebhookFields enable;
  enable.enabled = true;
  const auto enabled = webhooks_.Update("default", webhook.webhook_id, enable);
  EXPECT_TRUE(enabled->disabled_reason.empty() && enabled->failing_since.empty());
  EXPECT_EQ(webhooks_.Backlog()->pending, 1);
  EXPECT_TRUE(Claim());
}

TEST_F(WebhookRepoTest, ADeadReplicasClaimComesBackAndALateReportOfItHasNoEffect) {
  const Webhook webhook = Add();
  ASSERT_THAT(webhooks_.AddTest("default", webhook.webhook_id, ""), IsOk());
  const auto lost = *webhooks_.Claim(milliseconds(0), 2);
  ASSERT_TRUE(lost);
  const auto again = Claim();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->attempt, 2);
  ASSERT_THAT(webhooks_.Failed(*lost, 500, "late", {}, false, hours(72)), IsOk());
  EXPECT_EQ(Deliveries(webhook)[0].state, "PENDING");
  ASSERT_THAT(webhooks_.Release(*again), IsOk());
  const auto released = Claim();
  ASSERT_TRUE(released);
  EXPECT_EQ(released->attempt, 2) << "what was handed back does not count";
}

TEST_F(WebhookRepoTest, PagesAndPurges) {
  const Webhook webhook = Add();
  for (int i = 0; i < 5; ++i) ASSERT_THAT(webhooks_.AddTest("default", webhook.webhook_id, ""), IsOk());
  const auto first = *webhooks_.Deliveries("default", webhook.webhook_id, "PENDING", 0, 3);
  ASSERT_EQ(first.deliveries.size(), 3u);
  ASSERT_NE(first.next_before, 0);
  const auto second = *webhooks_.Deliveries("default", webhook.webhook_id, "PENDING", first.next_before, 3);
  EXPECT_EQ(second.deliveries.size(), 2u);
  EXPECT_EQ(second.next_before, 0);
  EXPECT_LT(second.deliveries[0].seq, first.deliveries[2].seq);
  ASSERT_THAT(webhooks_.Delivered(*Claim(), 200), IsOk());
  EXPECT_EQ(*webhooks_.Purge(hours(24)), 0);
  Sql("UPDATE webhook_deliveries SET ended_at = now() - interval '25 hours' WHERE state = 'DELIVERED'");
  EXPECT_EQ(*webhooks_.Purge(hours(24)), 1);
  EXPECT_EQ(Deliveries(webhook).size(), 4u);
}

}  // namespace
}  // namespace vora::metadata
