#include "services/transcode-worker/child/seccomp_filter.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace vora::transcode {
namespace {

constexpr std::string_view kSaid = "forbidden system call: ";

struct Call {
  int number;
  const char* name;
};
#define VORA_CALL(name) \
  { SCMP_SYS(name), #name }

constexpr int kAllowed[] = {
    // The socket to the worker and stderr, both open already; a name cannot be given (see below).
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(recvfrom),
    SCMP_SYS(close), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(fstat), SCMP_SYS(lseek),
    // Memory; never executable (see below).
    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
    // Threads.
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list), SCMP_SYS(rseq), SCMP_SYS(set_tid_address), SCMP_SYS(gettid),
    SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_getparam), SCMP_SYS(sched_getscheduler), SCMP_SYS(getcpu),
    SCMP_SYS(membarrier), SCMP_SYS(exit), SCMP_SYS(exit_group),
    // Signals to itself.
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall),
    // Clocks, randomness, and who it is.
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time),
    SCMP_SYS(times), SCMP_SYS(getrusage), SCMP_SYS(getrlimit), SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(getuid),
    SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname), SCMP_SYS(sysinfo)};

// A codec library looks for its processor, its locale or its plug-ins, and goes on without.
constexpr int kNoFiles[] = {SCMP_SYS(open),      SCMP_SYS(stat),       SCMP_SYS(lstat),    SCMP_SYS(access),
                            SCMP_SYS(faccessat), SCMP_SYS(statx),      SCMP_SYS(readlink), SCMP_SYS(readlinkat),
                            SCMP_SYS(getcwd),    SCMP_SYS(getdents64), SCMP_SYS(statfs),   SCMP_SYS(fstatfs)};

// Nothing here is ever tried by accident: the process has been taken over.
constexpr Call kForbidden[] = {VORA_CALL(socket),
                               VORA_CALL(socketpair),
                               VORA_CALL(connect),
                               VORA_CALL(bind),
                               VORA_CALL(listen),
                               VORA_CALL(accept),
                               VORA_CALL(accept4),
                               VORA_CALL(fork),
                               VORA_CALL(vfork),
                               VORA_CALL(execve),
                               VORA_CALL(execveat),
                               VORA_CALL(ptrace),
                               VORA_CALL(kill),
                               VORA_CALL(tkill),
                               VORA_CALL(process_vm_readv),
                               VORA_CALL(process_vm_writev),
                               VORA_CALL(pidfd_open),
                               VORA_CALL(pidfd_getfd),
                               VORA_CALL(pidfd_send_signal),
                               VORA_CALL(creat),
                               VORA_CALL(openat2),
                               VORA_CALL(open_by_handle_at),
                               VORA_CALL(truncate),
                               VORA_CALL(ftruncate),
                               VORA_CALL(unlink),
                               VORA_CALL(unlinkat),
                               VORA_CALL(rename),
                               VORA_CALL(renameat),
                               VORA_CALL(renameat2),
                               VORA_CALL(mkdir),
                               VORA_CALL(mkdirat),
                               VORA_CALL(rmdir),
                               VORA_CALL(link),
                               VORA_CALL(linkat),
                               VORA_CALL(symlink),
                               VORA_CALL(symlinkat),
                               VORA_CALL(mknod),
                               VORA_CALL(mknodat),
                               VORA_CALL(chmod),
                               VORA_CALL(fchmod),
                               VORA_CALL(fchmodat),
                               VORA_CALL(chown),
                               VORA_CALL(fchown),
                               VORA_CALL(fchownat),
                               VORA_CALL(chdir),
                               VORA_CALL(fchdir),
                               VORA_CALL(chroot),
                               VORA_CALL(pivot_root),
                               VORA_CALL(mount),
                               VORA_CALL(umount2),
                               VORA_CALL(move_mount),
                               VORA_CALL(open_tree),
                               VORA_CALL(fsopen),
                               VORA_CALL(fsmount),
                               VORA_CALL(unshare),
                               VORA_CALL(setns),
                               VORA_CALL(setuid),
                               VORA_CALL(setgid),
                               VORA_CALL(setresuid),
                               VORA_CALL(setresgid),
                               VORA_CALL(setreuid),
                               VORA_CALL(setregid),
                               VORA_CALL(setgroups),
                               VORA_CALL(capset),
                               VORA_CALL(bpf),
                               VORA_CALL(perf_event_open),
                               VORA_CALL(userfaultfd),
                               VORA_CALL(io_uring_setup),
                               VORA_CALL(io_uring_enter),
                               VORA_CALL(keyctl),
                               VORA_CALL(add_key),
                               VORA_CALL(request_key),
                               VORA_CALL(init_module),
                               VORA_CALL(finit_module),
                               VORA_CALL(delete_module),
                               VORA_CALL(kexec_load),
                               VORA_CALL(reboot),
                               VORA_CALL(memfd_create),
                               VORA_CALL(shmget),
                               VORA_CALL(shmat)};

// Only what may be called from a signal handler.
void SayForbidden(int, siginfo_t* info, void*) {
  const char* name = nullptr;
  for (const Call& call : kForbidden) {
    if (call.number == info->si_syscall) name = call.name;
  }
  if (info->si_syscall == SCMP_SYS(openat)) name = "openat for writing";
  if (info->si_syscall == SCMP_SYS(clone)) name = "clone of a process";
  if (info->si_syscall == SCMP_SYS(sendto)) name = "sendto an address";
  if (name == nullptr) name = "unknown";
  char line[96];
  size_t size = 0;
  for (const char c : kSaid) line[size++] = c;
  while (*name != '\0' && size < sizeof line - 1) line[size++] = *name++;
  line[size++] = '\n';
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line, size);
  _exit(kForbiddenCallExit);
}

struct Release {
  void operator()(scmp_filter_ctx filter) const { seccomp_release(filter); }
};

class Rules {
 public:
  explicit Rules(scmp_filter_ctx filter) : filter_(filter) {}
  void Add(uint32_t action, int call) { Keep(seccomp_rule_add_array(filter_, action, call, 0, nullptr)); }
  void Add(uint32_t action, int call, scmp_arg_cmp a) { Keep(seccomp_rule_add_array(filter_, action, call, 1, &a)); }
  void Add(uint32_t action, int call, scmp_arg_cmp a, scmp_arg_cmp b) {
    const scmp_arg_cmp both[] = {a, b};
    Keep(seccomp_rule_add_array(filter_, action, call, 2, both));
  }
  int error() const { return error_; }

 private:
  void Keep(int result) {
    if (result < 0 && error_ == 0) error_ = -result;
  }
  scmp_filter_ctx filter_;
  int error_ = 0;
};

scmp_arg_cmp Masked(unsigned argument, uint64_t mask, uint64_t value) { return {argument, SCMP_CMP_MASKED_EQ, mask, value}; }
scmp_arg_cmp Equal(unsigned argument, uint64_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }

// Calls whose arguments decide.
void AddConditions(Rules& rules) {
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) rules.Add(SCMP_ACT_ALLOW, call, Masked(2, PROT_EXEC, 0));
  // The C library's send() is sendto without an address.
  rules.Add(SCMP_ACT_ALLOW, SCMP_SYS(sendto), Equal(4, 0));
  rules.Add(SCMP_ACT_TRAP, SCMP_SYS(sendto), {4, SCMP_CMP_NE, 0, 0});
  // Threads share the address space; whatever else clone makes is a process.
  rules.Add(SCMP_ACT_ALLOW, SCMP_SYS(clone), Masked(0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM));
  rules.Add(SCMP_ACT_TRAP, SCMP_SYS(clone), Masked(0, CLONE_THREAD, 0));
  // Its flags lie in memory, where no filter can look; the C library falls back to clone.
  rules.Add(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
  rules.Add(SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), Masked(2, O_ACCMODE, O_RDONLY));
  rules.Add(SCMP_ACT_TRAP, SCMP_SYS(openat), Masked(2, O_ACCMODE, O_WRONLY));
  rules.Add(SCMP_ACT_TRAP, SCMP_SYS(openat), Masked(2, O_ACCMODE, O_RDWR));
  // fstat() of the C library: an open descriptor and an empty path.
  rules.Add(SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), Masked(3, AT_EMPTY_PATH, AT_EMPTY_PATH));
  rules.Add(SCMP_ACT_ALLOW, SCMP_SYS(fcntl), Equal(1, F_GETFL));
  rules.Add(SCMP_ACT_ALLOW, SCMP_SYS(fcntl), Equal(1, F_GETFD));
  rules.Add(SCMP_ACT_ALLOW, SCMP_SYS(prctl), Equal(0, PR_SET_NAME));
  // Limits are read, never set.
  rules.Add(SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), Equal(0, 0), Equal(2, 0));
  // abort() and raise() signal the process itself.
  rules.Add(SCMP_ACT_ALLOW, SCMP_SYS(tgkill), Equal(0, static_cast<uint64_t>(getpid())));
  // Encoders lower the priority of some of their threads; raising one takes privileges.
  for (const int call : {SCMP_SYS(getpriority), SCMP_SYS(setpriority)}) {
    rules.Add(SCMP_ACT_ALLOW, call, Equal(0, PRIO_PROCESS), Equal(1, 0));
  }
}

}  // namespace

std::string InstallSystemCallFilter() {
  const std::unique_ptr<void, Release> filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!filter) return "seccomp_init failed";
  // A tree instead of a list: the filter runs on every call.
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  Rules rules(filter.get());
  for (const int call : kAllowed) rules.Add(SCMP_ACT_ALLOW, call);
  for (const int call : kNoFiles) rules.Add(SCMP_ACT_ERRNO(EACCES), call);
  for (const Call& call : kForbidden) rules.Add(SCMP_ACT_TRAP, call.number);
  AddConditions(rules);
  if (rules.error() != 0) return std::string("seccomp rules: ") + std::strerror(rules.error());
  struct sigaction action = {};
  action.sa_sigaction = &SayForbidden;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGSYS, &action, nullptr);
  const int loaded = seccomp_load(filter.get());
  return loaded == 0 ? "" : std::string("seccomp_load: ") + std::strerror(-loaded);
}

std::string ForbiddenCall(std::string_view stderr_tail) {
  const size_t at = stderr_tail.rfind(kSaid);
  if (at == std::string_view::npos) return "unknown";
  std::string_view name = stderr_tail.substr(at + kSaid.size());
  name = name.substr(0, name.find('\n'));
  return name.empty() || name.size() > 40 ? "unknown" : std::string(name);
}

}  // namespace vora::transcode
