#include "services/transcode-worker/child/sandbox_trial.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <vector>

namespace vora::transcode {
namespace {

std::string Outcome(bool done, const std::string& what) {
  return done ? "did it: " + what : "refused: " + what + ": " + std::strerror(errno);
}

std::string Connect() {
  // Should a descriptor have been left behind, or a filter let sockets through.
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return Outcome(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "connect");
}

std::string ConnectOnly() {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  return Outcome(connect(3, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "connect");
}

std::string Execute() {
  char program[] = "/bin/true";
  char* arguments[] = {program, nullptr};
  char* environment[] = {nullptr};
  execve(program, arguments, environment);
  return Outcome(false, "execve");
}

std::string Fork() {
  const long child = syscall(SYS_fork);
  if (child == 0) _exit(0);
  return Outcome(child > 0, "fork");
}

void* Wait(void*) {
  for (;;) sleep(1000);
}

// Up to what the limits allow; they all end with the process.
std::string Threads() {
  constexpr int kFlood = 20'000;
  int made = 0;
  pthread_t thread;
  while (made < kFlood && pthread_create(&thread, nullptr, &Wait, nullptr) == 0) ++made;
  return made == kFlood ? "did it: threads" : "refused: threads after " + std::to_string(made);
}

std::string Memory() {
  constexpr size_t kBlock = 64U << 20;
  constexpr int kBlocks = 1024;  // 64 GiB
  int taken = 0;
  for (; taken < kBlocks; ++taken) {
    void* block = mmap(nullptr, kBlock, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) break;
  }
  return Outcome(taken == kBlocks, "memory after " + std::to_string(taken * (kBlock >> 20)) + " MiB");
}

std::string Cpu() {
  for (std::atomic<uint64_t> n{0};;) ++n;
}

std::string Descriptors() {
  int made = 0;
  while (made < 1000 && fcntl(0, F_DUPFD, 0) >= 0) ++made;
  return Outcome(made == 1000, "descriptors after " + std::to_string(made));
}

std::string Executable() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return Outcome(page != MAP_FAILED, "executable memory");
}

struct Trial {
  const char* name;
  std::string (*run)();
};

constexpr Trial kTrials[] = {
    {"nothing", [] { return std::string("refused: nothing was tried"); }},
    {"socket", [] { return Outcome(socket(AF_INET, SOCK_STREAM, 0) >= 0, "socket"); }},
    {"connect", &ConnectOnly},
    {"network", &Connect},
    {"open", [] { return Outcome(open("/etc/passwd", O_RDONLY) >= 0, "open"); }},
    {"write", [] { return Outcome(open("/tmp/vora-sandbox-trial", O_WRONLY | O_CREAT, 0600) >= 0, "open to write"); }},
    {"execve", &Execute},
    {"fork", &Fork},
    {"threads", &Threads},
    {"ptrace", [] { return Outcome(ptrace(PTRACE_ATTACH, getppid(), nullptr, nullptr) == 0, "ptrace"); }},
    {"mount", [] { return Outcome(mount("none", "/mnt", "tmpfs", 0, nullptr) == 0, "mount"); }},
    {"memory", &Memory},
    {"cpu", &Cpu},
    {"descriptors", &Descriptors},
    {"executable", &Executable},
    {"uid", [] { return Outcome(setuid(0) == 0, "setuid"); }},
};

}  // namespace

StatusOr<std::string> TryForbidden(const std::string& name) {
  for (const Trial& trial : kTrials) {
    if (name == trial.name) return trial.run();
  }
  return InvalidArgument("no such trial: " + name);
}

}  // namespace vora::transcode
