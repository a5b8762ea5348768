#include "services/transcode-worker/pipe/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace vora::transcode {
namespace {

constexpr int kSocketFd = 3;
constexpr int kFirstSharedFd = 4;
constexpr size_t kStderrTail = 4096;
constexpr int kTickMs = 200;
constexpr int kExitGraceMs = 2000;
constexpr timeval kStuck = {20, 0};  // a child that neither reads nor goes on writing for so long

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&&) = delete;
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_;
};

std::vector<std::string> Arguments(const ChildSpec& spec) {
  std::vector<std::string> arguments = {"vora-transcode-worker", "--child=" + spec.role};
  arguments.insert(arguments.end(), spec.labels.begin(), spec.labels.end());
  arguments.push_back("--parent=" + std::to_string(getpid()));
  arguments.push_back("--memory=" + std::to_string(spec.memory_bytes));
  arguments.push_back("--cpu=" + std::to_string(spec.cpu_seconds));
  if (!spec.needs_filter) arguments.push_back("--filter=optional");
  if (!spec.source_limits.empty()) arguments.push_back("--limits=" + spec.source_limits);
  arguments.push_back("--nice=" + std::to_string(spec.nice));
  arguments.push_back("--shared=" + std::to_string(spec.shared_fds.size()));
  return arguments;
}

// Descriptors go through high numbers first, so that none is overwritten on its way down.
int Posix(const ChildSpec& spec, int socket, int stderr_fd, pid_t* pid) {
  std::vector<Fd> high;
  high.emplace_back(fcntl(socket, F_DUPFD_CLOEXEC, 256));
  for (const int fd : spec.shared_fds) high.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, 256));
  for (const Fd& fd : high) {
    if (fd.get() < 0) return errno;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, stderr_fd, STDERR_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  for (size_t i = 0; i < high.size(); ++i) {
    posix_spawn_file_actions_adddup2(&actions, high[i].get(), i == 0 ? kSocketFd : kFirstSharedFd + static_cast<int>(i) - 1);
  }
  // Whatever some library has opened without CLOEXEC.
  posix_spawn_file_actions_addclosefrom_np(&actions, kFirstSharedFd + static_cast<int>(spec.shared_fds.size()));
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  // The daemon blocks and ignores signals for its own purposes, and both are inherited.
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  // In a session of its own, Ctrl-C at the worker's terminal does not reach it: the worker drains first.
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  std::vector<std::string> arguments = Arguments(spec);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  char* environment[] = {nullptr};
  const int result = posix_spawn(pid, spec.program.c_str(), &actions, &attributes, argv.data(), environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return result;
}

}  // namespace

StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Spawn(const ChildSpec& spec) {
  std::array<int, 2> sockets{}, errors{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    return ResourceExhausted(std::string("socketpair: ") + std::strerror(errno));
  }
  const Fd theirs(sockets[1]);
  Fd ours(sockets[0]);
  if (pipe2(errors.data(), O_CLOEXEC) != 0) return ResourceExhausted(std::string("pipe: ") + std::strerror(errno));
  const Fd error_in(errors[1]);
  Fd error_out(errors[0]);
  // ReadStderr reads until nothing is left, and must not wait for more.
  fcntl(error_out.get(), F_SETFL, O_NONBLOCK);
  setsockopt(ours.get(), SOL_SOCKET, SO_RCVTIMEO, &kStuck, sizeof kStuck);
  setsockopt(ours.get(), SOL_SOCKET, SO_SNDTIMEO, &kStuck, sizeof kStuck);
  pid_t pid = 0;
  const int result = Posix(spec, theirs.get(), error_in.get(), &pid);
  if (result != 0) return ResourceExhausted(std::string("cannot start a child process: ") + std::strerror(result));
  return std::unique_ptr<ChildProcess>(new ChildProcess(pid, ours.release(), error_out.release()));
}

ChildProcess::~ChildProcess() {
  Kill();
  ChildExit ignored;
  Reap(&ignored);
  close(socket_);
  close(stderr_);
}

void ChildProcess::Kill() {
  std::lock_guard lock(mutex_);
  if (!reaped_) kill(pid_, SIGKILL);
}

void ChildProcess::Reap(ChildExit* exit) {
  // Waited for without reaping first, so that Kill can never hit another process of the same number.
  siginfo_t info = {};
  while (!reaped_ && waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  std::lock_guard lock(mutex_);
  if (reaped_) return;
  int status = 0;
  waitpid(pid_, &status, 0);
  reaped_ = true;
  if (WIFEXITED(status)) exit->exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) exit->signal = WTERMSIG(status);
}

void ChildProcess::ReadStderr(ChildExit* exit) {
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = read(stderr_, buffer.data(), buffer.size());
    if (got <= 0) return;
    exit->stderr_tail.append(buffer.data(), static_cast<size_t>(got));
    if (exit->stderr_tail.size() > 2 * kStderrTail) exit->stderr_tail.erase(0, exit->stderr_tail.size() - kStderrTail);
  }
}

ChildExit ChildProcess::Run(const std::function<Status(Message&)>& on_message, const std::function<Status()>& tick) {
  ChildExit exit;
  bool open = true;
  while (open) {
    std::array<pollfd, 2> fds = {{{socket_, POLLIN, 0}, {stderr_, POLLIN, 0}}};
    poll(fds.data(), fds.size(), kTickMs);
    if ((fds[1].revents & POLLIN) != 0) ReadStderr(&exit);
    Status status;
    if (fds[0].revents != 0) {
      Message message;
      const Status received = ReceiveMessage(socket_, &message);
      if (!received.ok()) {
        open = false;
        // UNAVAILABLE is how every child ends: its socket is closed.
        if (received.code() == StatusCode::kInvalidArgument) status = received;
      } else if (message.type == MessageType::kResult) {
        exit.result = std::move(message.payload);
      } else if (message.type == MessageType::kFailure) {
        exit.failure = UnpackStatus(message.payload);
      } else {
        status = on_message(message);
      }
    }
    if (status.ok() && tick) status = tick();
    if (!status.ok()) {
      exit.failure = status;
      Kill();
      open = false;
    }
  }
  // A child that has closed its socket has nothing left to do.
  // waitid has no time limit, a poll of the descriptor has.
  const Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  pollfd ended = {pidfd.get(), POLLIN, 0};
  if (poll(&ended, 1, kExitGraceMs) != 1) Kill();
  Reap(&exit);
  ReadStderr(&exit);
  if (exit.stderr_tail.size() > kStderrTail) exit.stderr_tail.erase(0, exit.stderr_tail.size() - kStderrTail);
  return exit;
}

}  // namespace vora::transcode
