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

std::unique_ptr<NumberedCall> Numbered(std::string key, int number) {
  return std::make_unique<NumberedCall>(NumberedCall{std::move(key), number});
}

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
    NumberedQueue queue(1, 3, [&](NumberedQueue::Batch& batch, const std::function<void()>&) {
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
    queue.Add(Numbered("0", 0));
    gate.began.get_future().wait();
    for (int i = 1; i <= 5; ++i) queue.Add(Numbered(std::to_string(i), i));
    gate.open.set_value();
  }
  EXPECT_EQ(batches, (std::vector<std::vector<int>>{{0}, {1, 2, 3}, {4, 5}}));
}

TEST(CallQueueTest, ABatchThatTakesLongHoldsUpOnlyItsKeys) {
  HeldBatch gate;
  std::promise<void> other_done;
  std::atomic<int> same_done{0};
  NumberedQueue queue(2, 8, [&](NumberedQueue::Batch& batch, const std::function<void()>&) {
    for (const auto& call : batch) {
      if (call->number == 0) {
        gate.began.set_value();
        gate.opened.wait();
      }
      if (call->key == "same") ++same_done;
      if (call->key == "other") other_done.set_value();
    }
  });
  queue.Add(Numbered("same", 0));
  gate.began.get_future().wait();
  queue.Add(Numbered("same", 1));
  queue.Add(Numbered("other", 2));
  other_done.get_future().wait();
  EXPECT_EQ(same_done, 0) << "not before the first of its key";
  gate.open.set_value();
}

TEST(CallQueueTest, KeysAreFreeOnceTheyAreLetGo) {
  HeldBatch gate;
  std::promise<void> second_done;
  NumberedQueue queue(2, 8, [&](NumberedQueue::Batch& batch, const std::function<void()>& let_go) {
    if (batch.front()->number == 0) {
      let_go();
      gate.began.set_value();
      gate.opened.wait();
    } else {
      second_done.set_value();
    }
  });
  queue.Add(Numbered("key", 0));
  gate.began.get_future().wait();
  queue.Add(Numbered("key", 1));
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
    NumberedQueue queue(4, 16, [&](NumberedQueue::Batch& batch, const std::function<void()>& let_go) {
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
        for (int i = 0; i < kEach; ++i) queue.Add(Numbered(std::to_string(t) + "/" + std::to_string(i % kKeys), i));
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
