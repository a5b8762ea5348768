#include "services/metadata/videos/video_repo.h"

#include <atomic>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"
#include "services/metadata/harness_test.h"

namespace vora::metadata {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

void Expect(const Status& status, StatusCode code, const std::string& part) {
  EXPECT_EQ(status.code(), code) << ToText(status);
  EXPECT_THAT(Message(status), HasSubstr(part));
}

TEST(VideoRepoTest, OneVideoAndOneStartPerUploadHoweverManyCreateIt) {
  Repos repos;
  std::set<std::string> ids;
  int created = 0;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (int i = 0; i < 12; ++i) {
    threads.emplace_back([&] {
      const auto result = repos.videos.Create(SomeVideo("u1"));
      ASSERT_THAT(result, IsOk());
      const std::lock_guard lock(mutex);
      ids.insert(result->video.video_id());
      created += result->created ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_EQ(created, 1);
  EXPECT_EQ(repos.outbox.Pending()->rows, 1);
  const auto video = repos.videos.Get("default", *ids.begin());
  ASSERT_THAT(video, IsOk());
  EXPECT_EQ(video->state(), v1::VIDEO_STATE_CREATED);
  EXPECT_EQ(video->watch_url(), "http://edge/watch/" + video->video_id());
  EXPECT_EQ(video->hls_url(), "");
  Expect(repos.videos.Get("other", *ids.begin()).status(), StatusCode::kNotFound, "no video");
}

TEST(VideoRepoTest, ATitleSomeoneGaveWinsWhoeverComesFirst) {
  Repos repos;
  auto given = SomeVideo("u1");
  given.title = "Given";
  given.title_given = true;
  const std::string id = repos.videos.Create(SomeVideo("u1"))->video.video_id();
  EXPECT_EQ(repos.videos.Create(given)->video.title(), "Given");
  given.title = "Second";
  EXPECT_EQ(repos.videos.Create(given)->video.title(), "Given");
  EXPECT_EQ(repos.videos.Create(SomeVideo("u1"))->video.title(), "Given");
}

TEST(VideoRepoTest, ListsInPagesNewestFirstWithFilters) {
  Repos repos;
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.insert(ids.begin(), repos.videos.Create(SomeVideo("u" + std::to_string(i)))->video.video_id());
  ASSERT_THAT(repos.videos.Cancel("default", ids[2]), IsOk());
  std::vector<std::string> seen;
  std::string token;
  int pages = 0;
  do {
    const auto page = repos.videos.List({"default", "", ""}, 2, token);
    ASSERT_THAT(page, IsOk());
    for (const auto& video : page->videos) seen.push_back(video.video_id());
    token = page->next_page_token;
    ++pages;
  } while (!token.empty());
  EXPECT_EQ(seen, ids);
  EXPECT_EQ(pages, 3);
  const auto ids_of = [&](const ListFilter& filter) {
    std::vector<std::string> found;
    const auto page = repos.videos.List(filter, 50, "");
    for (const auto& video : page->videos) found.push_back(video.video_id());
    return found;
  };
  EXPECT_THAT(ids_of({"default", "CANCELLED", ""}), ElementsAre(ids[2]));
  EXPECT_THAT(ids_of({"default", "", "title OF u1"}), ElementsAre(ids[3]));
  EXPECT_THAT(ids_of({"default", "", "u4.MP4"}), ElementsAre(ids[0]));
  EXPECT_THAT(ids_of({"default", "", "%"}), ElementsAre());
  EXPECT_THAT(ids_of({"default", "", "_"}), ElementsAre());
  EXPECT_THAT(ids_of({"other", "", ""}), ElementsAre());
}

NewVideo Labelled(const std::string& upload_id, const std::string& external_id, const Labels& labels = {}) {
  NewVideo video = SomeVideo(upload_id);
  video.external_id = external_id;
  video.labels = labels;
  return video;
}

TEST(VideoRepoTest, AnExternalIdBelongsToOneVideoOfATenant) {
  Repos repos;
  const auto refuse = VideoRepo::IfTaken::kRefuse;
  const auto first = repos.videos.Create(Labelled("u1", "cms/1"), refuse);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->video.external_id(), "cms/1");
  EXPECT_THAT(repos.videos.Create(Labelled("u1", "cms/1"), refuse), IsOk()) << "twice the same request";
  const std::string& id = first->video.video_id();
  Expect(repos.videos.Create(Labelled("u2", "cms/1"), refuse).status(), StatusCode::kAlreadyExists, "video " + id + " has it");
  EXPECT_EQ(repos.videos.List({"default", "", ""}, 50, "")->videos.size(), 1u) << "what is refused leaves nothing behind";
  // An upload that is finished becomes a video all the same.
  const auto second = repos.videos.Create(Labelled("u2", "cms/1"));
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->video.external_id(), "");
  EXPECT_THAT(second->video.warnings(), ElementsAre("external_id: video " + id + " has it; this one has none"));
  auto foreign = Labelled("u3", "cms/1");
  foreign.tenant = "other";
  EXPECT_EQ(repos.videos.Create(foreign, refuse)->video.external_id(), "cms/1") << "each tenant has its own";
  const std::string& other = second->video.video_id();
  Expect(repos.videos.Update("default", other, {.external_id = "cms/1"}).status(), StatusCode::kAlreadyExists, "has it");
  ASSERT_THAT(repos.videos.Delete("default", id), IsOk());
  EXPECT_EQ(repos.videos.Update("default", other, {.external_id = "cms/1"})->external_id(), "cms/1") << "free again";
}

TEST(VideoRepoTest, OfManyAtOnceOneGetsTheExternalId) {
  Repos repos;
  std::atomic<int> got{0}, refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 12; ++i) {
    threads.emplace_back([&, i] {
      const auto made = repos.videos.Create(Labelled("u" + std::to_string(i), "cms/1"), VideoRepo::IfTaken::kRefuse);
      if (made.ok()) ++got;
      if (made.status().code() == StatusCode::kAlreadyExists) ++refused;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(got, 1);
  EXPECT_EQ(refused, 11);
}

TEST(VideoRepoTest, FindsByExternalIdAndByAllLabelsAskedFor) {
  Repos repos;
  const std::string a = repos.videos.Create(Labelled("u1", "cms/1", {{"show", "news"}, {"season", "1"}}))->video.video_id();
  const std::string b = repos.videos.Create(Labelled("u2", "cms/2", {{"show", "news"}, {"season", "2"}}))->video.video_id();
  const auto ids_of = [&](const std::string& external_id, const Labels& labels) {
    std::vector<std::string> found;
    const auto page = repos.videos.List({"default", "", "", external_id, labels}, 50, "");
    for (const auto& video : page->videos) found.push_back(video.video_id());
    return found;
  };
  EXPECT_THAT(ids_of("cms/2", {}), ElementsAre(b));
  EXPECT_THAT(ids_of("cms/3", {}), ElementsAre());
  EXPECT_THAT(ids_of("", {{"show", "news"}}), ElementsAre(b, a));
  EXPECT_THAT(ids_of("", {{"show", "news"}, {"season", "1"}}), ElementsAre(a));
  EXPECT_THAT(ids_of("", {{"show", "new"}}), ElementsAre());
  const auto page = repos.videos.List({"default", "", "", "", {{"show", "news"}}}, 1, "");
  ASSERT_FALSE(page->next_page_token.empty());
  Expect(repos.videos.List({"default", "", "", "", {{"show", "film"}}}, 1, page->next_page_token).status(), StatusCode::kInvalidArgument,
         "belongs to a list that asks for something else");
  // An announcement adds what it knows and takes nothing away; a change replaces them all.
  const auto again = repos.videos.Create(Labelled("u1", "", {{"season", "9"}, {"crew", "b"}}))->video;
  EXPECT_EQ(Labels(again.labels().begin(), again.labels().end()), (Labels{{"crew", "b"}, {"season", "9"}, {"show", "news"}}));
  EXPECT_TRUE(repos.videos.Update("default", a, {.labels = Labels{}})->labels().empty());
}

TEST(VideoRepoTest, UpdatesBumpTheVersionOnlyWhenTheyChangeSomething) {
  Repos repos;
  const auto video = repos.videos.Create(SomeVideo("u1"))->video;
  const auto updated = repos.videos.Update("default", video.video_id(), {.title = "New"});
  ASSERT_THAT(updated, IsOk());
  EXPECT_EQ(updated->title(), "New");
  EXPECT_GT(updated->version(), video.version());
  EXPECT_EQ(repos.videos.Update("default", video.video_id(), {.title = "New", .description = ""})->version(), updated->version());
  Expect(repos.videos.Update("default", std::string(32, 'a'), {.title = "x"}).status(), StatusCode::kNotFound, "no video");
}

TEST(VideoRepoTest, AVideoThatWasNotStartedIsCancelledAtOnceAndCanBeRetried) {
  Repos repos;
  const std::string id = repos.videos.Create(SomeVideo("u1"))->video.video_id();
  EXPECT_EQ(repos.videos.Cancel("default", id)->state(), v1::VIDEO_STATE_CANCELLED);
  EXPECT_EQ(repos.outbox.Pending()->rows, 0) << "the start was withdrawn";
  Expect(repos.videos.Cancel("default", id).status(), StatusCode::kFailedPrecondition, "the video is CANCELLED");
  EXPECT_EQ(repos.videos.Retry("default", id)->state(), v1::VIDEO_STATE_PROCESSING);
  const auto row = repos.outbox.Claim(std::chrono::seconds(10));
  ASSERT_TRUE(row.ok() && row->has_value());
  EXPECT_EQ((*row)->kind, "start");
  EXPECT_EQ((*row)->run_number, 2);
  Expect(repos.videos.Retry("default", id).status(), StatusCode::kFailedPrecondition, "nothing to retry");
}

TEST(VideoRepoTest, AStartThatMayBeOnItsWayIsFollowedByTheCancel) {
  Repos repos;
  const std::string id = repos.videos.Create(SomeVideo("u1"))->video.video_id();
  const auto start = repos.outbox.Claim(std::chrono::seconds(10));
  ASSERT_TRUE(start.ok() && start->has_value());
  EXPECT_EQ(repos.videos.Cancel("default", id)->state(), v1::VIDEO_STATE_CANCELLED);
  EXPECT_FALSE(repos.outbox.Claim(std::chrono::seconds(10))->has_value()) << "the cancel waits for the start";
  ASSERT_THAT(repos.outbox.FinishStart(**start, "run-1"), IsOk());
  EXPECT_EQ(repos.videos.Get("default", id)->state(), v1::VIDEO_STATE_CANCELLED);
  const auto cancel = repos.outbox.Claim(std::chrono::seconds(10));
  ASSERT_TRUE(cancel.ok() && cancel->has_value());
  EXPECT_EQ((*cancel)->kind, "cancel");
}

TEST(VideoRepoTest, DeleteIsAtOnceRepeatableAndFinal) {
  Repos repos;
  const std::string id = repos.videos.Create(SomeVideo("u1"))->video.video_id();
  ASSERT_THAT(repos.videos.Delete("default", id), IsOk());
  ASSERT_THAT(repos.videos.Delete("default", id), IsOk());
  Expect(repos.videos.Get("default", id).status(), StatusCode::kNotFound, "no video");
  EXPECT_TRUE(repos.videos.List({"default", "", ""}, 50, "")->videos.empty());
  Expect(repos.videos.Cancel("default", id).status(), StatusCode::kNotFound, "no video");
  Expect(repos.videos.Delete("default", std::string(32, '0')), StatusCode::kNotFound, "no video");
  const auto again = repos.videos.Create(SomeVideo("u1"));
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->deleted);
  EXPECT_FALSE(again->created);
  std::vector<std::string> kinds;
  std::string payload;
  while (true) {
    const auto row = repos.outbox.Claim(std::chrono::seconds(10));
    ASSERT_THAT(row, IsOk());
    if (!row->has_value()) break;
    kinds.push_back((*row)->kind);
    if ((*row)->kind == "delete") payload = (*row)->payload;
    ASSERT_THAT(repos.outbox.Finish(**row), IsOk());
  }
  EXPECT_THAT(kinds, ElementsAre("cancel", "delete"));
  EXPECT_THAT(payload, HasSubstr("\"processed/" + id + "/\",\"raw/u1/\""));
}

TEST(VideoRepoTest, OutboxRowsOfOneVideoGoOneByOneAndOfManySideBySide) {
  Repos repos;
  for (int i = 0; i < 20; ++i) ASSERT_THAT(repos.videos.Create(SomeVideo("u" + std::to_string(i))), IsOk());
  std::multiset<int64_t> claimed;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      while (true) {
        const auto row = repos.outbox.Claim(std::chrono::seconds(30));
        ASSERT_THAT(row, IsOk());
        if (!row->has_value()) return;
        const std::lock_guard lock(mutex);
        claimed.insert((*row)->seq);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  // A claimer may find a row locked by another and go home early; nobody may get a row twice.
  EXPECT_EQ(std::set<int64_t>(claimed.begin(), claimed.end()).size(), claimed.size());
  EXPECT_EQ(claimed.size(), 20u);
}

TEST(VideoRepoTest, APostponedRowComesBackWithItsAttempts) {
  Repos repos;
  ASSERT_THAT(repos.videos.Create(SomeVideo("u1")), IsOk());
  const auto first = repos.outbox.Claim(std::chrono::seconds(30));
  ASSERT_TRUE(first->has_value());
  ASSERT_THAT(repos.outbox.Postpone(**first, std::chrono::milliseconds(0), "away"), IsOk());
  const auto second = repos.outbox.Claim(std::chrono::seconds(30));
  ASSERT_TRUE(second->has_value());
  EXPECT_EQ((*second)->seq, (*first)->seq);
  EXPECT_EQ((*second)->request_id, (*first)->request_id);
  EXPECT_EQ((*second)->attempts, 2);
}

}  // namespace
}  // namespace vora::metadata
