#include "services/streaming-gateway/cache/segment_cache.h"

#include <filesystem>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "libs/testing/status_matchers.h"
#include "services/streaming-gateway/fixture_test.h"

namespace vora::gateway {
namespace {

class SegmentCacheTest : public GatewayTest {
 protected:
  void SetUp() override {
    for (const char* key : {"processed/a", "processed/b", "processed/c"}) Put(key, Pattern(400'000));
    cache_.emplace(*store_, SegmentCacheOptions{.capacity_bytes = 1'000'000}, clock_, metrics_);
  }
  // Waits until the whole object is there.
  std::shared_ptr<CachedObject> Load(const std::string& key) {
    auto object = cache_->Get(key).object;
    EXPECT_TRUE(object);
    const Status opened = Run(object->WaitOpen());
    EXPECT_THAT(opened, IsOk());
    if (!object->bypassed()) {
      EXPECT_THAT(Run(object->WaitBytes(399'999)), IsOk());
      // The fetch has let go of it: the cache and this function hold it.
      EXPECT_TRUE(Eventually([&] { return object.use_count() == 2; }));
    }
    return object;
  }
  template <typename T>
  T Run(boost::asio::awaitable<T> task) {
    io_.restart();
    auto result = boost::asio::co_spawn(io_, std::move(task), boost::asio::use_future);
    io_.run();
    return result.get();
  }
  boost::asio::io_context io_;  // outlives the fetches, which wake those who wait on it
  std::optional<SegmentCache> cache_;
};

TEST_F(SegmentCacheTest, TheLeastRecentlyUsedMakesRoom) {
  Load("processed/a");
  Load("processed/b");
  Load("processed/a");
  Load("processed/c");
  EXPECT_TRUE(Eventually([&] { return cache_->memory_in_use() == 800'000; }));
  EXPECT_TRUE(cache_->Peek("processed/a"));
  EXPECT_FALSE(cache_->Peek("processed/b"));
  EXPECT_EQ(store_->opens(), 3);
}

TEST_F(SegmentCacheTest, WhatIsBeingReadIsNotForgottenAndTheLimitHolds) {
  const auto a = Load("processed/a");
  const auto b = Load("processed/b");
  const auto c = Load("processed/c");
  EXPECT_TRUE(c->bypassed());
  EXPECT_EQ(c->info().size, 400'000);
  EXPECT_EQ(cache_->memory_in_use(), 800'000);
  EXPECT_TRUE(cache_->Peek("processed/a"));
}

TEST_F(SegmentCacheTest, FailuresAreNotKept) {
  store_->SetAway(true);
  EXPECT_THAT(Run(cache_->Get("processed/a").object->WaitOpen()), StatusIs(StatusCode::kUnavailable));
  EXPECT_FALSE(cache_->Peek("processed/a"));
  store_->SetAway(false);
  Load("processed/a");
  EXPECT_THAT(Run(cache_->Get("processed/none").object->WaitOpen()), StatusIs(StatusCode::kNotFound));
  EXPECT_FALSE(cache_->Peek("processed/none"));
}

TEST_F(SegmentCacheTest, DeletedObjectsAreForgottenAfterAMinute) {
  Load("processed/a");
  ASSERT_THAT(store_->Delete("processed/a"), IsOk());
  EXPECT_TRUE(cache_->Peek("processed/a"));
  clock_.Advance(std::chrono::seconds(61));
  EXPECT_FALSE(cache_->Peek("processed/a"));
  EXPECT_THAT(Run(cache_->Get("processed/a").object->WaitOpen()), StatusIs(StatusCode::kNotFound));
}

}  // namespace
}  // namespace vora::gateway
