#include "libs/daemon/drain_watch.h"

#include <unistd.h>

#include <csignal>
#include <ctime>
#include <utility>

#include "libs/log/log.h"

namespace vora::daemon_internal {

DrainWatch::DrainWatch(TimePoint hard_limit) : hard_limit_(hard_limit), due_(hard_limit), thread_([this] { Run(); }) {}

DrainWatch::~DrainWatch() {
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  thread_.join();
}

void DrainWatch::Enter(std::string part, TimePoint due) {
  const std::lock_guard lock(mutex_);
  part_ = std::move(part);
  due_ = due;
  reported_ = false;
}

void DrainWatch::Run() {
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  for (;;) {
    // Only SIGINT: scripts may well send SIGTERM twice, a person who presses Ctrl-C twice means it.
    const timespec slice{.tv_sec = 0, .tv_nsec = 20'000'000};
    const bool interrupted = sigtimedwait(&interrupt, nullptr, &slice) == SIGINT;
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (done_) return;
    if (interrupted || now >= hard_limit_) {
      log::Error(interrupted ? "interrupted again: leaving at once" : "drain took too long: leaving at once", {{"part", part_}});
      // No destructors: the part that hangs is most likely in one, or would be waited for by one.
      _exit(1);
    }
    if (!reported_ && now >= due_) {
      log::Warn("a part is late to stop", {{"part", part_}});
      reported_ = true;
    }
  }
}

}  // namespace vora::daemon_internal
