#include "libs/run/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <set>

namespace vora {
namespace {

TEST(ThreadPoolTest, RunsWorkOnSeveralThreadsAtOnce) {
  ThreadPool pool("test", 3, 10);
  std::latch all_there(3);
  std::mutex mutex;
  std::set<std::thread::id> ids;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(pool.TrySubmit([&] {
      all_there.arrive_and_wait();  // ends only when three threads are here together
      const std::lock_guard lock(mutex);
      ids.insert(std::this_thread::get_id());
    }));
  }
  pool.Stop();
  EXPECT_EQ(ids.size(), 3U);
}

TEST(ThreadPoolTest, SaysWhenTheQueueIsFull) {
  ThreadPool pool("test", 1, 2);
  std::latch busy(1);
  std::latch release(1);
  ASSERT_TRUE(pool.TrySubmit([&] {
    busy.count_down();
    release.wait();
  }));
  busy.wait();
  std::atomic<int> ran = 0;
  EXPECT_TRUE(pool.TrySubmit([&] { ++ran; }));
  EXPECT_TRUE(pool.TrySubmit([&] { ++ran; }));
  EXPECT_EQ(pool.queued(), 2U);
  EXPECT_FALSE(pool.TrySubmit([&] { ++ran; }));
  release.count_down();
  pool.Stop();
  EXPECT_EQ(ran, 2);
}

TEST(ThreadPoolTest, StopRunsWhatIsQueuedAndRefusesMore) {
  ThreadPool pool("a name longer than fifteen", 2, 1000);
  std::atomic<int> ran = 0;
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(pool.TrySubmit([&] { ++ran; }));
  pool.Stop();
  EXPECT_EQ(ran, 500);
  EXPECT_FALSE(pool.TrySubmit([&] { ++ran; }));
  pool.Stop();
  EXPECT_EQ(ran, 500);
}

}  // namespace
}  // namespace vora
