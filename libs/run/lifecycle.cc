#include "libs/run/lifecycle.h"

#include <pthread.h>

#include <condition_variable>
#include <csignal>
#include <utility>

#include "libs/run/periodic.h"

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

// A check and the thread that runs it when somebody asks. Whoever asks while it runs is given that run's answer.
class Readiness::Probe {
 public:
  Probe(std::string name, std::function<Status()> check)
      : name_(std::move(name)), check_(std::move(check)), thread_("check", [this] { return Run(); }) {
    thread_.Start(kUntilWoken);
  }

  const std::string& name() const { return name_; }

  // The number of the run that will answer.
  int64_t Ask() {
    const std::lock_guard lock(mutex_);
    if (answered_ == asked_) {
      ++asked_;
      began_ = std::chrono::steady_clock::now();
      thread_.Wake();
    }
    return asked_;
  }

  Status Answer(int64_t run, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    // From when it began, so that nobody waits for one that has been silent for long.
    if (changed_.wait_until(lock, began_ + patience, [&] { return answered_ >= run; })) return answer_;
    return Unavailable("no answer within " + std::to_string(patience.count()) + " ms");
  }

 private:
  static constexpr std::chrono::milliseconds kUntilWoken = std::chrono::hours(24);

  std::chrono::milliseconds Run() {
    {
      const std::lock_guard lock(mutex_);
      if (answered_ == asked_) return kUntilWoken;
    }
    Status status = check_();
    const std::lock_guard lock(mutex_);
    answer_ = std::move(status);
    ++answered_;
    changed_.notify_all();
    return kUntilWoken;
  }

  const std::string name_;
  const std::function<Status()> check_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t asked_ = 0, answered_ = 0;
  std::chrono::steady_clock::time_point began_;
  Status answer_;
  Periodic thread_;  // last: uses all of the above
};

Readiness::Readiness(std::chrono::milliseconds patience) : patience_(patience) {}

Readiness::~Readiness() { Stop(); }

void Readiness::AddCheck(std::string name, std::function<Status()> check) {
  auto probe = std::make_shared<Probe>(std::move(name), std::move(check));
  const std::lock_guard lock(mutex_);
  probes_.push_back(std::move(probe));
}

void Readiness::SetStarted() { started_ = true; }
void Readiness::SetDraining() { draining_ = true; }

Status Readiness::Check() const {
  if (draining_) return Unavailable("draining");
  if (!started_) return Unavailable("starting");
  std::vector<std::pair<std::shared_ptr<Probe>, int64_t>> asked;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& probe : probes_) asked.emplace_back(probe, probe->Ask());
  }
  std::string failures;
  // Without the mutex: a check that is slow must not hold up other probes.
  for (const auto& [probe, run] : asked) {
    const Status status = probe->Answer(run, patience_);
    if (status.ok()) continue;
    failures.append(failures.empty() ? "" : "; ").append(probe->name()).append(": ").append(Message(status));
  }
  return failures.empty() ? absl::OkStatus() : Unavailable(failures);
}

void Readiness::Stop() {
  std::vector<std::shared_ptr<Probe>> ending;
  const std::lock_guard lock(mutex_);
  ending.swap(probes_);
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
