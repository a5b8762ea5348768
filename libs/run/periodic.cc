#include "libs/run/periodic.h"

#include <pthread.h>

#include <utility>

namespace vora {

Periodic::Periodic(std::string name, std::function<std::chrono::milliseconds()> step) : name_(std::move(name)), step_(std::move(step)) {}

Periodic::~Periodic() { Stop(); }

void Periodic::Start(std::chrono::milliseconds pause) {
  thread_ = std::thread([this, pause] { Run(pause); });
  pthread_setname_np(thread_.native_handle(), name_.substr(0, 15).c_str());
}

void Periodic::Wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  wake_.notify_one();
}

void Periodic::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

bool Periodic::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void Periodic::Run(std::chrono::milliseconds pause) {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait_for(lock, pause, [this] { return woken_ || stopping_; });
    if (stopping_) return;
    // Before the step: a Wake during it leads to another one at once.
    woken_ = false;
    lock.unlock();
    pause = step_();
    lock.lock();
  }
}

}  // namespace vora
