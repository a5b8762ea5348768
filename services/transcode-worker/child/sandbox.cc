#include "services/transcode-worker/child/sandbox.h"

#include <grp.h>
#include <linux/landlock.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "services/transcode-worker/child/seccomp_filter.h"

namespace vora::transcode {
namespace {

constexpr std::string_view kProblems = "; ";
constexpr unsigned kNobody = 65534;
// Address space beyond writable memory: libraries, thread stacks, the shared frames.
constexpr int64_t kAddressSpaceMargin = int64_t{4} << 30;
constexpr int64_t kDescriptors = 32;
// Of all processes of this user together, so it must be far above what all slots need; the address space ends a flood of threads sooner.
constexpr int64_t kThreads = 8192;

void Limit(decltype(RLIMIT_AS) resource, int64_t value, int64_t beyond = 0) {
  const rlimit limit = {static_cast<rlim_t>(value), static_cast<rlim_t>(value + beyond)};
  setrlimit(resource, &limit);
}

void AddProblem(SandboxReport* report, const std::string& what) { report->problems += (report->problems.empty() ? "" : "; ") + what; }

// An empty rule set: what is handled is allowed nowhere.
bool ForbidPaths() {
  landlock_ruleset_attr attributes = {};
  // The rights of Landlock's first version only: a kernel refuses a set with a right that it does not know.
  attributes.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
                                 LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                 LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                                 LANDLOCK_ACCESS_FS_MAKE_SYM;
  // The structure has grown since; this size is the first version's, which every kernel with Landlock takes.
  const long rules = syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes.handled_access_fs, 0);
  if (rules < 0) return false;
  const bool on = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
  close(static_cast<int>(rules));
  return on;
}

}  // namespace

std::string SandboxReport::Text() const {
  const auto say = [](const char* name, bool on) { return std::string(name) + (on ? "=yes " : "=no "); };
  std::string text = say("no_new_privileges", no_new_privileges) + say("system_call_filter", system_call_filter) +
                     say("network_namespace", network_namespace) + say("no_paths", no_paths) + say("unprivileged", unprivileged);
  text.pop_back();
  if (!problems.empty()) text.append(kProblems).append(problems);
  return text;
}

SandboxReport SandboxReport::Parse(std::string_view text) {
  SandboxReport report;
  const auto on = [&](std::string_view name) { return text.find(std::string(name) + "=yes") != std::string_view::npos; };
  report.no_new_privileges = on("no_new_privileges");
  report.system_call_filter = on("system_call_filter");
  report.network_namespace = on("network_namespace");
  report.no_paths = on("no_paths");
  report.unprivileged = on("unprivileged");
  const size_t at = text.find(kProblems);
  if (at != std::string_view::npos) report.problems = text.substr(at + kProblems.size());
  return report;
}

SandboxReport EnterSandbox(const SandboxLimits& limits) {
  SandboxReport report;
  // Each arena of malloc reserves 64 MiB of address space, which RLIMIT_AS counts.
  mallopt(M_ARENA_MAX, 4);
  if (limits.nice > 0) setpriority(PRIO_PROCESS, 0, limits.nice);
  const bool root = geteuid() == 0;
  // Before the rights are gone. Without root a user namespace gives the right to make the other one.
  report.network_namespace = (root && unshare(CLONE_NEWNET) == 0) || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
  if (!report.network_namespace) AddProblem(&report, std::string("no network namespace: unshare: ") + std::strerror(errno));
  report.unprivileged = true;
  // The groups before the user: whoever is not root cannot change them.
  if (root && (setgroups(0, nullptr) != 0 || setresgid(kNobody, kNobody, kNobody) != 0 || setresuid(kNobody, kNobody, kNobody) != 0)) {
    report.unprivileged = false;
    AddProblem(&report, std::string("decoding runs as root: ") + std::strerror(errno));
  }
  // Landlock and the filter ask this of whoever lacks CAP_SYS_ADMIN.
  report.no_new_privileges = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  // Changing the user clears it, so it comes after.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // A parent that died before the line above would never be noticed.
  if (limits.parent != 0 && getppid() != limits.parent) _exit(0);
  if (limits.memory_bytes > 0) {
    Limit(RLIMIT_DATA, limits.memory_bytes);
    Limit(RLIMIT_AS, limits.memory_bytes + kAddressSpaceMargin);
  }
  // SIGXCPU, which tells why, comes only where SIGKILL comes later.
  if (limits.cpu_seconds > 0) Limit(RLIMIT_CPU, limits.cpu_seconds, 5);
  Limit(RLIMIT_CORE, 0);
  Limit(RLIMIT_FSIZE, 0);
  Limit(RLIMIT_NOFILE, kDescriptors);
  Limit(RLIMIT_NPROC, kThreads);
  Limit(RLIMIT_MEMLOCK, 0);
  Limit(RLIMIT_MSGQUEUE, 0);
  report.no_paths = ForbidPaths();
  if (!report.no_paths) AddProblem(&report, std::string("no Landlock: ") + std::strerror(errno));
  // Last, since it refuses most of the calls above.
  const std::string missing = InstallSystemCallFilter();
  report.system_call_filter = missing.empty();
  if (!missing.empty()) AddProblem(&report, "no system call filter: " + missing);
  return report;
}

}  // namespace vora::transcode
