#pragma once

// Task<T>: a lazy coroutine, the building block of workflow definitions. It starts when it is awaited (or by WhenAll / WhenAny) and is
// owned by whoever holds it; destroying one abandons what it waits for. Single-threaded: a run is advanced by one thread at a time.

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

namespace vora::workflow {

namespace internal {

// Told when a task has ended; returns what to resume next (or a no-op coroutine).
class Completion {
 public:
  virtual ~Completion() = default;
  virtual std::coroutine_handle<> OnDone() noexcept = 0;
};

struct PromiseBase {
  Completion* completion = nullptr;
  std::coroutine_handle<> continuation;
  std::exception_ptr exception;
  bool started = false;

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> handle) const noexcept {
      PromiseBase& promise = handle.promise();
      if (promise.completion) return promise.completion->OnDone();
      if (promise.continuation) return promise.continuation;
      return std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  void return_value(T v) { value.emplace(std::move(v)); }
  T Take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  void return_void() const noexcept {}
  void Take() const {
    if (exception) std::rethrow_exception(exception);
  }
};

}  // namespace internal

template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type : internal::Promise<T> {
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
  };
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool done() const { return handle_.done(); }
  // Runs until its first wait; does nothing when it was started before.
  void Start() {
    if (std::exchange(promise().started, true)) return;
    handle_.resume();
  }
  // The value of a task that is done; moves it out.
  T Take() { return promise().Take(); }
  internal::PromiseBase& promise_base() { return handle_.promise(); }

  bool await_ready() const noexcept { return handle_.done(); }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    promise().continuation = awaiting;
    if (std::exchange(promise().started, true)) return std::noop_coroutine();
    return handle_;
  }
  T await_resume() { return Take(); }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  promise_type& promise() const noexcept { return handle_.promise(); }
  std::coroutine_handle<promise_type> handle_;
};

namespace internal {

// Resumes the waiting coroutine when `wanted` more tasks have ended.
class CountDown : public Completion {
 public:
  explicit CountDown(size_t wanted) : wanted_(wanted) {}
  std::coroutine_handle<> OnDone() noexcept override {
    if (wanted_ == 0 || --wanted_ > 0 || !waiting_) return std::noop_coroutine();
    return waiting_;
  }
  bool await_ready() const noexcept { return wanted_ == 0; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { waiting_ = waiting; }
  void await_resume() const noexcept {}

 private:
  size_t wanted_;
  std::coroutine_handle<> waiting_;
};

}  // namespace internal

// Starts all tasks in order and waits for all; the values are in the same order whatever order they end in.
template <class T>
Task<std::vector<T>> WhenAll(std::vector<Task<T>> tasks) {
  internal::CountDown all(tasks.size());
  for (auto& task : tasks) task.promise_base().completion = &all;
  for (auto& task : tasks) task.Start();
  co_await all;
  std::vector<T> values;
  for (auto& task : tasks) values.push_back(task.Take());
  co_return values;
}

inline Task<void> WhenAll(std::vector<Task<void>> tasks) {
  internal::CountDown all(tasks.size());
  for (auto& task : tasks) task.promise_base().completion = &all;
  for (auto& task : tasks) task.Start();
  co_await all;
  for (auto& task : tasks) task.Take();
}

// Starts all tasks in order and waits for the first to end; gives its index. The tasks stay the caller's: await the others later, or let
// them be destroyed, which abandons their activities and timers. `tasks` must not be empty and must outlive the call.
template <class T>
Task<size_t> WhenAny(std::vector<Task<T>>& tasks) {
  const auto first_done = [&] {
    size_t i = 0;
    while (i < tasks.size() && !tasks[i].done()) ++i;
    return i;
  };
  if (first_done() == tasks.size()) {
    internal::CountDown any(1);
    for (auto& task : tasks) task.promise_base().completion = &any;
    for (auto& task : tasks) task.Start();
    co_await any;
    for (auto& task : tasks) task.promise_base().completion = nullptr;
  }
  co_return first_done();
}

}  // namespace vora::workflow
