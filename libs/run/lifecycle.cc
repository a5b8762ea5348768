#include "libs/run/lifecycle.h"

#include <pthread.h>

#include <csignal>

namespace vora {
namespace {

sigset_t ShutdownSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void Readiness::AddCheck(std::string name, std::function<Status()> check) {
  const std::lock_guard lock(mutex_);
  checks_.emplace_back(std::move(name), std::move(check));
}

void Readiness::SetStarted() { started_ = true; }
void Readiness::SetDraining() { draining_ = true; }

Status Readiness::Check() const {
  if (draining_) return Unavailable("draining");
  if (!started_) return Unavailable("starting");
  std::vector<std::pair<std::string, std::function<Status()>>> checks;
  {
    const std::lock_guard lock(mutex_);
    // Copied, so that checks run without the mutex: one that is slow must not hold up other probes.
    checks = checks_;
  }
  std::string failures;
  for (const auto& [name, check] : checks) {
    const Status status = check();
    if (status.ok()) continue;
    failures.append(failures.empty() ? "" : "; ").append(name).append(": ").append(Message(status));
  }
  return failures.empty() ? absl::OkStatus() : Unavailable(failures);
}

void BlockShutdownSignals() {
  const sigset_t set = ShutdownSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A peer that is gone is an error of the write (EPIPE), not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
}

int WaitForShutdownSignal() {
  const sigset_t set = ShutdownSignals();
  int signal = 0;
  while (sigwait(&set, &signal) != 0) {
  }
  return signal;
}

}  // namespace vora
