#include "libs/core/periodic.h"

#include <pthread.h>

#include <utility>

namespace vora {

Periodic::Periodic(std::string name, std::function<std::chrono::milliseconds()> step) : name_(std::move(name)), step_(std::move(step)) {}

Periodic::~Periodic() { Stop(); }

void Periodic::Start() {
  thread_ = std::thread([this] { Run(); });
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

void Periodic::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    woken_ = false;
    lock.unlock();
    const std::chrono::milliseconds pause = step_();
    lock.lock();
    wake_.wait_for(lock, pause, [this] { return woken_ || stopping_; });
  }
}

}  // namespace vora
