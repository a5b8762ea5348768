#include "libs/workflow/definition/task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace vora::workflow {
namespace {

// Holds a coroutine until it is opened.
class Gate {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) noexcept { handle_ = handle; }
  void await_resume() const noexcept {}
  void Open() { std::exchange(handle_, nullptr).resume(); }

 private:
  std::coroutine_handle<> handle_;
};

Task<int> Through(Gate& gate, int value) {
  co_await gate;
  co_return value;
}

Task<size_t> FirstOf(std::vector<Task<int>>& tasks) {
  const size_t first = co_await WhenAny(tasks);
  co_return first;
}

Task<int> Await(Task<int>& task) {
  const int value = co_await task;
  co_return value;
}

// Started: more than one may be looked at while they wait.
template <class T>
Task<T> Started(Task<T> task) {
  task.Start();
  return task;
}

std::vector<Task<int>> Two(Gate& first, Gate& second) {
  std::vector<Task<int>> tasks;
  tasks.push_back(Through(first, 1));
  tasks.push_back(Through(second, 2));
  return tasks;
}

TEST(TaskTest, ATaskMayEndAfterTheWhenAnyThatWaitedForIt) {
  Gate a, b;
  auto inner = Two(a, b);
  { const auto waiting = Started(FirstOf(inner)); }
  a.Open();
  EXPECT_TRUE(inner[0].done());
  b.Open();
  EXPECT_EQ(inner[1].Take(), 2);
}

TEST(TaskTest, ALosingWhenAnyLeavesItsTasksToTheirOwner) {
  Gate a, b, c;
  auto inner = Two(a, b);
  {
    std::vector<Task<size_t>> outer;
    outer.push_back(FirstOf(inner));
    outer.push_back([](Gate& gate) -> Task<size_t> {
      co_await gate;
      co_return 7;
    }(c));
    auto first = Started(WhenAny(outer));
    c.Open();
    ASSERT_TRUE(first.done());
    EXPECT_EQ(first.Take(), 1u);
  }
  b.Open();
  auto later = Started(FirstOf(inner));
  ASSERT_TRUE(later.done());
  EXPECT_EQ(later.Take(), 1u);
  a.Open();
}

TEST(TaskTest, ATaskMayEndAfterTheCoroutineThatAwaitedIt) {
  Gate a;
  auto task = Started(Through(a, 1));
  { const auto waiting = Started(Await(task)); }
  a.Open();
  EXPECT_EQ(task.Take(), 1);
}

TEST(TaskTest, ATaskMayBeMovedWhileItIsAwaited) {
  Gate a, b;
  auto tasks = std::make_unique<std::vector<Task<int>>>(Two(a, b));
  const auto waiting = std::make_unique<Task<int>>(Started(Await(tasks->front())));
  const std::vector<Task<int>> moved = [&] {
    std::vector<Task<int>> result;
    for (auto& task : *tasks) result.push_back(std::move(task));
    return result;
  }();
  tasks.reset();
  a.Open();
  ASSERT_TRUE(waiting->done());
  EXPECT_EQ(waiting->Take(), 1);
}

TEST(TaskTest, ATaskMayBeDestroyedWhileItIsWaitedFor) {
  Gate a, b;
  auto tasks = Two(a, b);
  auto first = Started(FirstOf(tasks));
  tasks.erase(tasks.begin());
  b.Open();
  ASSERT_TRUE(first.done());
  EXPECT_EQ(first.Take(), 0u);
}

TEST(TaskTest, WhenAllCanBeDroppedHalfWay) {
  Gate a, b;
  { const auto all = Started(WhenAll(Two(a, b))); }
  Gate c, d;
  {
    const auto all = Started(WhenAll(Two(c, d)));
    c.Open();
  }
}

TEST(TaskTest, WhenAllTakesTasksThatAreDone) {
  Gate a, b;
  auto tasks = Two(a, b);
  auto first = Started(FirstOf(tasks));
  b.Open();
  EXPECT_EQ(first.Take(), 1u);
  auto all = Started(WhenAll(std::move(tasks)));
  EXPECT_FALSE(all.done());
  a.Open();
  ASSERT_TRUE(all.done());
  EXPECT_THAT(all.Take(), ::testing::ElementsAre(1, 2));
}

TEST(TaskTest, TwoCannotWaitForOneTask) {
  Gate a;
  auto task = Started(Through(a, 1));
  auto one = Started(Await(task)), two = Started(Await(task));
  ASSERT_TRUE(two.done());
  EXPECT_THROW(two.Take(), std::logic_error);
  a.Open();
  EXPECT_EQ(one.Take(), 1);
}

}  // namespace
}  // namespace vora::workflow
