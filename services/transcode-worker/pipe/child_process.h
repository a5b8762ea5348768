#pragma once

// A child process of the worker: this program again, with `--child=ROLE`, no environment, and nothing open but its socket and the shared
// frames it is given.

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "services/transcode-worker/pipe/message.h"

namespace vora::transcode {

struct ChildSpec {
  std::string program = "/proc/self/exe";
  std::string role;                 // a name of ChildRoles
  std::vector<std::string> labels;  // e.g. --track=720p --video=... --chunk=3: what `ps` shows
  std::vector<int> shared_fds;      // become 4, 5, ... in the child
  int64_t memory_bytes = int64_t{3} << 30;
  int64_t cpu_seconds = 7200;
  bool needs_filter = true;   // of system calls: without one, no work
  std::string source_limits;  // SourceLimits::Text
  int nice = 0;
};

struct ChildExit {
  std::optional<std::string> result;  // what the child said at the end of a success
  std::optional<Status> failure;      // what it said at the end of a failure, or why it was given up
  int exit_code = 0;
  int signal = 0;           // that ended it; 0: none
  std::string stderr_tail;  // the last 4 KiB
  bool ok() const { return result.has_value() && !failure.has_value() && exit_code == 0 && signal == 0; }
};

class ChildProcess {
 public:
  // The child dies with the calling thread: it must outlive the child.
  static StatusOr<std::unique_ptr<ChildProcess>> Spawn(const ChildSpec& spec);
  ~ChildProcess();  // kills and reaps
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  Status Send(MessageType type, std::string_view payload) { return SendMessage(socket_, type, payload); }
  // Gives every message but the last word to `on_message`, until the child has ended. An error of `on_message` kills the child and becomes
  // `failure`. `tick` runs about five times a second and may return an error to give the child up. Call once, from one thread.
  ChildExit Run(const std::function<Status(Message&)>& on_message, const std::function<Status()>& tick = nullptr);
  // Thread-safe; harmless when it has ended.
  void Kill();
  pid_t pid() const { return pid_; }

 private:
  ChildProcess(pid_t pid, int socket, int stderr_fd) : pid_(pid), socket_(socket), stderr_(stderr_fd) {}
  void ReadStderr(ChildExit* exit);
  void Reap(ChildExit* exit);
  const pid_t pid_;
  const int socket_;
  const int stderr_;
  std::mutex mutex_;
  bool reaped_ = false;
};

}  // namespace vora::transcode
