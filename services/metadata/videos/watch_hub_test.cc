#include "services/metadata/videos/watch_hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/metadata/api/watch_mailbox.h"
#include "services/metadata/harness_test.h"

namespace vora::metadata {
namespace {

using ::testing::ElementsAre;

std::shared_ptr<const v1::Video> Version(const std::string& id, int64_t version) {
  v1::Video video;
  video.set_video_id(id);
  video.set_tenant("default");
  video.set_version(version);
  return std::make_shared<const v1::Video>(video);
}

TEST(WatchMailboxTest, KeepsTheNewestOfEachVideoInOrder) {
  int woken = 0;
  WatchMailbox mailbox([&] { ++woken; });
  mailbox.Put({"a", Version("a", 1)});
  mailbox.Put({"b", Version("b", 2)});
  mailbox.Put({"a", Version("a", 4)});
  mailbox.Put({"a", Version("a", 3)});
  EXPECT_EQ(woken, 4);
  EXPECT_EQ(mailbox.Take()->video->version(), 4);
  EXPECT_EQ(mailbox.Take()->video_id, "b");
  EXPECT_FALSE(mailbox.Take());
  mailbox.Put({"a", Version("a", 5)});
  mailbox.Put({"a", nullptr});
  mailbox.Put({"a", Version("a", 4)});
  EXPECT_EQ(mailbox.Take()->video, nullptr) << "a deletion is the last word";
  EXPECT_FALSE(mailbox.closed());
  mailbox.OnClosed();
  EXPECT_TRUE(mailbox.closed());
}

// A change feed in memory, as the database gives it.
class WatchHubTest : public ::testing::Test {
 protected:
  std::unique_ptr<WatchHub> Hub() {
    auto hub = std::make_unique<WatchHub>(WatchSources{.load = [this](const std::string& id) { return Load(id); },
                                                       .tenant_of = [](const std::string&) -> StatusOr<std::string> { return "default"; },
                                                       .changes_after = [this](int64_t after, int) { return ChangesAfter(after); },
                                                       .newest_version = [this]() -> StatusOr<int64_t> { return version_; },
                                                       .announce =
                                                           [this](const std::vector<std::string>& ids) {
                                                             const std::lock_guard lock(mutex_);
                                                             announced_.insert(announced_.end(), ids.begin(), ids.end());
                                                           }},
                                          std::chrono::milliseconds(20));
    hub->Start();
    return hub;
  }
  void Write(const std::string& id) {
    const std::lock_guard lock(mutex_);
    versions_[id] = ++version_;
  }
  StatusOr<v1::Video> Load(const std::string& id) {
    const std::lock_guard lock(mutex_);
    if (away_) return Unavailable("away");
    if (versions_.count(id) == 0) return NotFound("gone");
    return *Version(id, versions_[id]);
  }
  StatusOr<std::vector<VideoVersion>> ChangesAfter(int64_t after) {
    const std::lock_guard lock(mutex_);
    if (away_) return Unavailable("away");
    std::vector<VideoVersion> changes;
    for (const auto& [id, version] : versions_) {
      if (version > after) changes.push_back({id, version});
    }
    return changes;
  }
  static bool Gets(WatchMailbox& mailbox, const std::string& id) {
    return Eventually([&] {
      const auto change = mailbox.Take();
      return change && change->video_id == id;
    });
  }
  std::mutex mutex_;
  std::map<std::string, int64_t> versions_;
  std::atomic<int64_t> version_{0};
  std::atomic<bool> away_{false};
  std::vector<std::string> announced_;
};

TEST_F(WatchHubTest, DeliversToWhoWatchesAndAnnouncesToOthers) {
  Write("old");
  const auto hub = Hub();
  const auto one = std::make_shared<WatchMailbox>([] {});
  const auto all = std::make_shared<WatchMailbox>([] {});
  const auto stranger = std::make_shared<WatchMailbox>([] {});
  hub->Watch("default", "a", one);
  hub->Watch("default", "", all);
  hub->Watch("other", "", stranger);
  EXPECT_EQ(hub->watchers(), 3u);
  Write("a");
  hub->Changed("a");
  EXPECT_TRUE(Gets(*one, "a"));
  EXPECT_TRUE(Gets(*all, "a"));
  Write("b");
  hub->ChangedElsewhere({"b"});
  EXPECT_TRUE(Gets(*all, "b"));
  EXPECT_FALSE(one->Take());
  EXPECT_FALSE(stranger->Take());
  EXPECT_TRUE(Eventually([&] {
    const std::lock_guard lock(mutex_);
    return !announced_.empty();
  }));
  EXPECT_THAT(announced_, ElementsAre("a")) << "only what this replica changed";
  hub->Stop();
  EXPECT_TRUE(one->closed() && all->closed() && stranger->closed());
  const auto late = std::make_shared<WatchMailbox>([] {});
  hub->Watch("default", "", late);
  EXPECT_TRUE(late->closed());
}

TEST_F(WatchHubTest, FindsWhatNobodyToldItAndWhatWasLostInAnOutage) {
  Write("old");
  const auto hub = Hub();
  const auto all = std::make_shared<WatchMailbox>([] {});
  hub->Watch("default", "", all);
  Write("told");
  hub->Changed("told");
  ASSERT_TRUE(Gets(*all, "told")) << "and not `old`, which changed before";
  Write("untold");
  EXPECT_TRUE(Gets(*all, "untold"));
  away_ = true;
  Write("meanwhile");
  hub->Changed("meanwhile");
  away_ = false;
  EXPECT_TRUE(Gets(*all, "meanwhile"));
}

}  // namespace
}  // namespace vora::metadata
