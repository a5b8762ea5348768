#pragma once

// Many tasks, of which only some are under way at a time: a film has thousands of chunks, and what is scheduled has its rows, its place in
// every claim, and its line in what people are shown.

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "libs/workflow/definition/task.h"

namespace vora::workflow {

namespace internal {

template <class Make>
Task<void> WorkThrough(std::shared_ptr<size_t> next, size_t count, Make make) {
  while (*next < count) {
    auto task = make((*next)++);
    co_await task;
  }
}

}  // namespace internal

// `make(i)` for each i below `count`, in order, at most `window` of them at a time. Ends when all have. `make` gives a task; it is called
// while the workflow runs, and what it refers to must live as long as this task.
template <class Make>
Task<void> InWindow(size_t count, size_t window, Make make) {
  const auto next = std::make_shared<size_t>(0);
  std::vector<Task<void>> lanes;
  for (size_t i = 0; i < std::min(count, window); ++i) lanes.push_back(internal::WorkThrough(next, count, make));
  co_await WhenAll(std::move(lanes));
}

}  // namespace vora::workflow
