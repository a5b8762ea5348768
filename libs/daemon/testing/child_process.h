#pragma once

// A program under test: its own environment, its output captured, killed at the latest when the object goes.

#include <sys/types.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace vora::daemon_testing {

class ChildProcess {
 public:
  // The environment is `environment` and PATH only.
  ChildProcess(const std::string& program, std::vector<std::string> arguments, const std::map<std::string, std::string>& environment);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void Signal(int signal) const;
  // Reads stderr up to the log line with this message; nullopt when the program ends, or 20 s pass, before it.
  std::optional<nlohmann::json> WaitForLog(const std::string& message);
  // Reads all output and waits for the end. The exit code, or 128 + signal.
  int Wait();

  // What has been read so far.
  const std::string& err() const { return err_; }
  const std::string& out() const { return out_; }
  // The messages of all log lines so far, in order; with `field` appended as " value" where the line has it.
  std::vector<std::string> Messages(const std::string& field = "") const;

 private:
  bool ReadSome(int timeout_ms);  // false: both streams have ended or nothing came in time

  pid_t pid_ = -1;
  int out_fd_ = -1;
  int err_fd_ = -1;
  std::string out_;
  std::string err_;
  size_t scanned_ = 0;
};

}  // namespace vora::daemon_testing
