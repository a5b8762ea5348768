#pragma once

// A program under test: its own environment, its output read as it comes, killed at the latest when the object goes.

#include <sys/types.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

namespace vora {

class ChildProcess {
 public:
  // The environment is `environment` and PATH only. A program that cannot be run ends with code 127.
  ChildProcess(const std::string& program, std::vector<std::string> arguments, const std::map<std::string, std::string>& environment);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int signal) const;
  // Waits for the next log line on stderr with this message; nullopt when the program ends, or a minute passes, before it.
  std::optional<nlohmann::json> WaitForLog(const std::string& message);
  // Waits for the end, and kills it after a minute. The exit code, or 128 + signal; the same again when asked again.
  int Wait();

  // What it has said so far.
  std::string err() const;
  std::string out() const;
  // The messages of all log lines so far, in order; with `field` appended as " value" where the line has it.
  std::vector<std::string> Messages(const std::string& field = "") const;

 private:
  void Read(int out, int err);

  pid_t pid_ = -1;
  std::optional<int> exit_code_;
  mutable std::mutex mutex_;
  std::condition_variable read_;
  std::string out_, err_;
  bool ended_ = false;  // both streams
  size_t scanned_ = 0;
  std::thread reader_;
};

}  // namespace vora
