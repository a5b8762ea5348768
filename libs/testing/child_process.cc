#include "libs/testing/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "libs/testing/eventually.h"

namespace vora {
namespace {

constexpr std::chrono::seconds kPatience{60};

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
  const auto argv = Pointers(arguments);
  const auto envp = Pointers(variables);
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0) throw std::runtime_error("there is no pipe");
  pid_ = fork();
  if (pid_ == 0) {
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    execve(program.c_str(), argv.data(), envp.data());
    _exit(127);
  }
  close(out[1]);
  close(err[1]);
  reader_ = std::thread([this, out_fd = out[0], err_fd = err[0]] { Read(out_fd, err_fd); });
}

ChildProcess::~ChildProcess() {
  Signal(SIGKILL);
  Wait();
}

void ChildProcess::Signal(int signal) const {
  if (pid_ > 0 && !exit_code_) kill(pid_, signal);
}

void ChildProcess::Read(int out, int err) {
  std::array<pollfd, 2> fds = {{{out, POLLIN, 0}, {err, POLLIN, 0}}};
  std::array<char, 4096> buffer{};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    poll(fds.data(), fds.size(), -1);
    for (pollfd& from : fds) {
      if (from.fd < 0 || from.revents == 0) continue;
      const ssize_t got = read(from.fd, buffer.data(), buffer.size());
      if (got <= 0) {
        close(std::exchange(from.fd, -1));
        continue;
      }
      const std::lock_guard lock(mutex_);
      (&from == fds.data() ? out_ : err_).append(buffer.data(), static_cast<size_t>(got));
      read_.notify_all();
    }
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  read_.notify_all();
}

std::optional<nlohmann::json> ChildProcess::WaitForLog(const std::string& message) {
  std::unique_lock lock(mutex_);
  std::optional<nlohmann::json> found;
  const auto look = [&] {
    for (size_t end = err_.find('\n', scanned_); end != std::string::npos; end = err_.find('\n', scanned_)) {
      auto line = ParseLine(err_.substr(scanned_, end - scanned_));
      scanned_ = end + 1;
      if (!line || line->value("msg", "") != message) continue;
      found = std::move(line);
      return true;
    }
    return ended_;
  };
  read_.wait_for(lock, kPatience, look);
  return found;
}

int ChildProcess::Wait() {
  if (exit_code_) return *exit_code_;
  int status = 0;
  const auto ended = [&] { return waitpid(pid_, &status, WNOHANG) == pid_; };
  if (!Eventually(ended, kPatience)) {
    kill(pid_, SIGKILL);
    waitpid(pid_, &status, 0);
  }
  reader_.join();
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return *exit_code_;
}

std::string ChildProcess::err() const {
  const std::lock_guard lock(mutex_);
  return err_;
}

std::string ChildProcess::out() const {
  const std::lock_guard lock(mutex_);
  return out_;
}

std::vector<std::string> ChildProcess::Messages(const std::string& field) const {
  const std::string text = err();
  std::vector<std::string> messages;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    if (const auto line = ParseLine(text.substr(begin, end - begin))) {
      std::string message = line->value("msg", "");
      if (!field.empty() && line->contains(field)) message.append(" ").append((*line)[field].get<std::string>());
      messages.push_back(message);
    }
    if (end == std::string::npos) break;
    begin = end + 1;
  }
  return messages;
}

}  // namespace vora
