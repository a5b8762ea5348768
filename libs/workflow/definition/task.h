#pragma once

// Task<T>: a lazy coroutine, the building block of workflow definitions. It starts when it is awaited (or by WhenAll / WhenAny) and is
// owned by whoever holds it; destroying one abandons what it waits for. One waits for it at a time. Single-threaded: a run is advanced by
// one thread at a time.

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace vora::workflow {

namespace internal {

struct PromiseBase;

// Whoever waits for a task. Lives in the waiting frame, which may be destroyed before the task or after it: the first to go takes itself
// out of the other.
class Waiter {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  virtual ~Waiter();
  // The task has ended; gives what to resume next (or a no-op coroutine).
  virtual std::coroutine_handle<> OnDone() noexcept = 0;
  // Throws when somebody else waits for the task already.
  void WaitFor(PromiseBase& task);

 private:
  friend struct PromiseBase;
  PromiseBase* task_ = nullptr;
};

// Of all coroutine frames that this thread has made, less those that it has destroyed.
inline thread_local int64_t frame_bytes = 0;

struct PromiseBase {
  static void* operator new(size_t size) {
    frame_bytes += static_cast<int64_t>(size);
    return ::operator new(size);
  }
  static void operator delete(void* frame, size_t size) {
    frame_bytes -= static_cast<int64_t>(size);
    ::operator delete(frame);
  }

  Waiter* waiter = nullptr;
  std::exception_ptr exception;
  bool started = false;

  PromiseBase() = default;
  PromiseBase(const PromiseBase&) = delete;
  ~PromiseBase() {
    if (waiter) waiter->task_ = nullptr;
  }

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> handle) const noexcept {
      Waiter* const waiter = std::exchange(handle.promise().waiter, nullptr);
      if (!waiter) return std::noop_coroutine();
      waiter->task_ = nullptr;
      return waiter->OnDone();
    }
    void await_resume() const noexcept {}
  };
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }
};

inline Waiter::~Waiter() {
  if (task_) task_->waiter = nullptr;
}

inline void Waiter::WaitFor(PromiseBase& task) {
  if (task.waiter) throw std::logic_error("a task is waited for twice");
  task.waiter = this;
  task_ = &task;
}

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

  // Refers to the coroutine, not to this object, which may be moved meanwhile.
  class Awaiter : public internal::Waiter {
   public:
    explicit Awaiter(std::coroutine_handle<promise_type> task) : task_(task) {}
    bool await_ready() {
      if (task_.done()) return true;
      WaitFor(task_.promise());
      return false;
    }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
      awaiting_ = awaiting;
      if (std::exchange(task_.promise().started, true)) return std::noop_coroutine();
      return task_;
    }
    T await_resume() { return task_.promise().Take(); }
    std::coroutine_handle<> OnDone() noexcept override { return awaiting_; }

   private:
    std::coroutine_handle<promise_type> task_;
    std::coroutine_handle<> awaiting_;
  };
  Awaiter operator co_await() { return Awaiter(handle_); }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  promise_type& promise() const noexcept { return handle_.promise(); }
  std::coroutine_handle<promise_type> handle_;
};

namespace internal {

// Resumes the waiting coroutine when `wanted` of the tasks it started have ended.
class CountDown {
 public:
  template <class T>
  CountDown(std::vector<Task<T>>& tasks, size_t wanted) : wanted_(wanted) {
    for (auto& task : tasks) {
      if (!task.done()) counters_.emplace_back(*this).WaitFor(task.promise_base());
    }
    for (auto& task : tasks) task.Start();
  }
  bool await_ready() const noexcept { return wanted_ == 0; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { waiting_ = waiting; }
  void await_resume() const noexcept {}

 private:
  struct Counter : Waiter {
    explicit Counter(CountDown& c) : count_down(c) {}
    std::coroutine_handle<> OnDone() noexcept override { return count_down.OnDone(); }
    CountDown& count_down;
  };
  std::coroutine_handle<> OnDone() noexcept {
    if (wanted_ == 0 || --wanted_ > 0 || !waiting_) return std::noop_coroutine();
    return waiting_;
  }
  size_t wanted_;
  std::coroutine_handle<> waiting_;
  std::deque<Counter> counters_;  // stable addresses
};

// How many are not done yet.
template <class T>
size_t Pending(const std::vector<Task<T>>& tasks) {
  return static_cast<size_t>(std::count_if(tasks.begin(), tasks.end(), [](const auto& task) { return !task.done(); }));
}

}  // namespace internal

// Starts all tasks in order and waits for all; the values are in the same order whatever order they end in.
template <class T>
Task<std::vector<T>> WhenAll(std::vector<Task<T>> tasks) {
  internal::CountDown all(tasks, internal::Pending(tasks));
  co_await all;
  std::vector<T> values;
  for (auto& task : tasks) values.push_back(task.Take());
  co_return values;
}

inline Task<void> WhenAll(std::vector<Task<void>> tasks) {
  internal::CountDown all(tasks, internal::Pending(tasks));
  co_await all;
  for (auto& task : tasks) task.Take();
}

// Starts all tasks in order and waits for the first to end; gives its index. The tasks stay the caller's: await the others later, or let
// them be destroyed, which abandons their activities and timers. `tasks` must not be empty and must outlive the call.
template <class T>
Task<size_t> WhenAny(std::vector<Task<T>>& tasks) {
  if (internal::Pending(tasks) == tasks.size()) {
    internal::CountDown any(tasks, 1);
    co_await any;
  }
  size_t first = 0;
  while (first < tasks.size() && !tasks[first].done()) ++first;
  co_return first;
}

}  // namespace vora::workflow
