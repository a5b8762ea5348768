#include "libs/daemon/testing/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>

namespace vora::daemon_testing {
namespace {

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (auto& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::optional<nlohmann::json> ParseLine(const std::string& line) {
  auto json = nlohmann::json::parse(line, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return std::nullopt;
  return json;
}

}  // namespace

ChildProcess::ChildProcess(const std::string& program, std::vector<std::string> arguments,
                           const std::map<std::string, std::string>& environment) {
  arguments.insert(arguments.begin(), program);
  std::vector<std::string> variables = {std::string("PATH=").append(getenv("PATH"))};
  for (const auto& [name, value] : environment) variables.push_back(std::string(name).append("=").append(value));
  auto argv = Pointers(arguments);
  auto envp = Pointers(variables);
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0) std::abort();
  pid_ = fork();
  if (pid_ == 0) {
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    execve(program.c_str(), argv.data(), envp.data());
    _exit(127);
  }
  close(out[1]);
  close(err[1]);
  out_fd_ = out[0];
  err_fd_ = err[0];
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (out_fd_ >= 0) close(out_fd_);
  if (err_fd_ >= 0) close(err_fd_);
}

void ChildProcess::Signal(int signal) const { kill(pid_, signal); }

bool ChildProcess::ReadSome(int timeout_ms) {
  std::array<pollfd, 2> fds = {{{out_fd_, POLLIN, 0}, {err_fd_, POLLIN, 0}}};
  if (out_fd_ < 0 && err_fd_ < 0) return false;
  if (poll(fds.data(), fds.size(), timeout_ms) <= 0) return false;
  std::array<char, 4096> buffer{};
  for (auto [fd, text] : {std::pair(&out_fd_, &out_), std::pair(&err_fd_, &err_)}) {
    const auto& entry = fds[fd == &out_fd_ ? 0 : 1];
    if (*fd < 0 || entry.revents == 0) continue;
    const ssize_t got = read(*fd, buffer.data(), buffer.size());
    if (got > 0) {
      text->append(buffer.data(), static_cast<size_t>(got));
    } else {
      close(*fd);
      *fd = -1;
    }
  }
  return true;
}

std::optional<nlohmann::json> ChildProcess::WaitForLog(const std::string& message) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    for (size_t end = err_.find('\n', scanned_); end != std::string::npos; end = err_.find('\n', scanned_)) {
      auto line = ParseLine(err_.substr(scanned_, end - scanned_));
      scanned_ = end + 1;
      if (line && line->value("msg", "") == message) return line;
    }
    if (!ReadSome(1000) && err_fd_ < 0) return std::nullopt;
  }
  return std::nullopt;
}

int ChildProcess::Wait() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(40);
  while (out_fd_ >= 0 || err_fd_ >= 0) {
    ReadSome(1000);
    if (std::chrono::steady_clock::now() > deadline) kill(pid_, SIGKILL);
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::vector<std::string> ChildProcess::Messages(const std::string& field) const {
  std::vector<std::string> messages;
  for (size_t begin = 0; begin < err_.size();) {
    const size_t end = err_.find('\n', begin);
    if (const auto line = ParseLine(err_.substr(begin, end - begin))) {
      std::string message = line->value("msg", "");
      if (!field.empty() && line->contains(field)) message.append(" ").append((*line)[field].get<std::string>());
      messages.push_back(message);
    }
    if (end == std::string::npos) break;
    begin = end + 1;
  }
  return messages;
}

}  // namespace vora::daemon_testing
