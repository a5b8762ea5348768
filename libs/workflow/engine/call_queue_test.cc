#include "libs/workflow/engine/call_queue_internal.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <utility>

namespace vora::workflow {
namespace {

struct NumberedCall {
  std::string key;
  int number;
};
using NumberedQueue = CallQueue<NumberedCall>;
constexpr size_t kPlenty = 100'000;

std::unique_ptr<NumberedCall> Numbered(std::string key, int number) {
  return std::make_unique<NumberedCall>(NumberedCall{std::move(key), number});
}

void Add(NumberedQueue& queue, std::unique_ptr<NumberedCall> call) { EXPECT_EQ(queue.Add(std::move(call)), nullptr); }

// Carries batches out when it is told to.
struct HeldBatch {
  std::promise<void> began, open;
  std::shared_future<void> opened = open.get_future().share();
};

TEST(CallQueueTest, WhatComesDuringABatchSharesTheNext) {
  HeldBatch gate;
  std::mutex mutex;
  std::vector<std::vector<int>> batches;
  {
    NumberedQueue queue(1, 3, kPlenty, [&](NumberedQueue::Batch& batch, const std::function<void()>&) {
      bool first;
      {
        const std::lock_guard lock(mutex);
        first = batches.empty();
        batches.emplace_back();
        for (const auto& call : batch) batches.back().push_back(call->number);
      }
      if (first) {
        gate.began.set_value();
        gate.opened.wait();
      }
    });
    Add(queue, Numbered("0", 0));
    gate.began.get_future().wait();
    for (int i = 1; i <= 5; ++i) Add(queue, Numbered(std::to_string(i), i));
    gate.open.set_value();
  }
  EXPECT_EQ(batches, (std::vector<std::vector<int>>{{0}, {1, 2, 3}, {4, 5}}));
}

TEST(CallQueueTest, ABatchThatTakesLongHoldsUpOnlyItsKeys) {
  HeldBatch gate;
  std::promise<void> other_done;
  std::atomic<int> same_done{0};
  NumberedQueue queue(2, 8, kPlenty, [&](NumberedQueue::Batch& batch, const std::function<void()>&) {
    for (const auto& call : batch) {
      if (call->number == 0) {
        gate.began.set_value();
        gate.opened.wait();
      }
      if (call->key == "same") ++same_done;
      if (call->key == "other") other_done.set_value();
    }
  });
  Add(queue, Numbered("same", 0));
  gate.began.get_future().wait();
  Add(queue, Numbered("same", 1));
  Add(queue, Numbered("other", 2));
  other_done.get_future().wait();
  EXPECT_EQ(same_done, 0) << "not before the first of its key";
  gate.open.set_value();
}

TEST(CallQueueTest, WhatABatchThatTakesLongHasNoRoomForIsCarriedOutBesideIt) {
  std::promise<void> began, open, last_done;
  const auto opened = open.get_future().share();
  NumberedQueue queue(4, 1, kPlenty, [&](NumberedQueue::Batch& batch, const std::function<void()>&) {
    if (batch.front()->number == 0) began.set_value();
    if (batch.front()->number == 3) return last_done.set_value();
    opened.wait();
  });
  Add(queue, Numbered("0", 0));
  began.get_future().wait();
  for (int i = 1; i <= 3; ++i) Add(queue, Numbered(std::to_string(i), i));
  EXPECT_EQ(last_done.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready) << "a thread is free";
  open.set_value();
}

TEST(CallQueueTest, WhatFindsNoRoomIsGivenBack) {
  HeldBatch gate;
  std::atomic<int> carried_out{0};
  {
    NumberedQueue queue(1, 8, 2, [&](NumberedQueue::Batch& batch, const std::function<void()>&) {
      if (batch.front()->number == 0) {
        gate.began.set_value();
        gate.opened.wait();
      }
      carried_out += static_cast<int>(batch.size());
    });
    Add(queue, Numbered("0", 0));
    gate.began.get_future().wait();
    Add(queue, Numbered("1", 1));
    Add(queue, Numbered("2", 2));
    const auto refused = queue.Add(Numbered("3", 3));
    ASSERT_NE(refused, nullptr);
    EXPECT_EQ(refused->number, 3);
    gate.open.set_value();
  }
  EXPECT_EQ(carried_out, 3);
}

TEST(CallQueueTest, KeysAreFreeOnceTheyAreLetGo) {
  HeldBatch gate;
  std::promise<void> second_done;
  NumberedQueue queue(2, 8, kPlenty, [&](NumberedQueue::Batch& batch, const std::function<void()>& let_go) {
    if (batch.front()->number == 0) {
      let_go();
      gate.began.set_value();
      gate.opened.wait();
    } else {
      second_done.set_value();
    }
  });
  Add(queue, Numbered("key", 0));
  gate.began.get_future().wait();
  Add(queue, Numbered("key", 1));
  second_done.get_future().wait();
  gate.open.set_value();
}

TEST(CallQueueTest, EachCallIsCarriedOutOnceAndInTheOrderOfItsKey) {
  constexpr int kThreads = 4, kEach = 2000, kKeys = 7;
  std::mutex mutex;
  std::map<std::string, std::vector<int>> order;
  std::set<std::string> running;
  bool overlapped = false;
  {
    NumberedQueue queue(4, 16, kPlenty, [&](NumberedQueue::Batch& batch, const std::function<void()>& let_go) {
      std::set<std::string> keys;
      {
        const std::lock_guard lock(mutex);
        for (const auto& call : batch) {
          keys.insert(call->key);
          order[call->key].push_back(call->number);
        }
        for (const auto& key : keys) overlapped = !running.insert(key).second || overlapped;
      }
      std::this_thread::yield();
      {
        const std::lock_guard lock(mutex);
        for (const auto& key : keys) running.erase(key);
      }
      let_go();
    });
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&queue, t] {
        for (int i = 0; i < kEach; ++i) Add(queue, Numbered(std::to_string(t) + "/" + std::to_string(i % kKeys), i));
      });
    }
    for (auto& thread : threads) thread.join();
  }
  EXPECT_FALSE(overlapped);
  size_t count = 0;
  for (const auto& [key, numbers] : order) {
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end())) << key;
    count += numbers.size();
  }
  EXPECT_EQ(count, size_t{kThreads} * kEach);
}

}  // namespace
}  // namespace vora::workflow
