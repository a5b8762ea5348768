#include "services/transcode-worker/sandbox.h"

#include <grp.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace vora::transcode {
namespace {

constexpr unsigned kNobody = 65534;
// Address space beyond writable memory: libraries, thread stacks, the shared frames.
constexpr int64_t kAddressSpaceMargin = int64_t{4} << 30;

void Limit(decltype(RLIMIT_AS) resource, int64_t value) {
  const rlimit limit = {static_cast<rlim_t>(value), static_cast<rlim_t>(value)};
  setrlimit(resource, &limit);
}

}  // namespace

std::string EnterSandbox(const SandboxLimits& limits) {
  std::string missing;
  mallopt(M_ARENA_MAX, 4);
  if (limits.nice > 0) setpriority(PRIO_PROCESS, 0, limits.nice);
  const bool root = geteuid() == 0;
  const bool isolated = (root && unshare(CLONE_NEWNET) == 0) || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
  if (!isolated) missing = std::string("no network isolation for decoding: unshare: ") + std::strerror(errno);
  if (root) {
    if (setgroups(0, nullptr) != 0 || setresgid(kNobody, kNobody, kNobody) != 0 || setresuid(kNobody, kNobody, kNobody) != 0) {
      missing += (missing.empty() ? "" : "; ") + std::string("decoding runs as root: ") + std::strerror(errno);
    }
  }
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  // Changing the user clears it, so it comes after.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (limits.parent != 0 && getppid() != limits.parent) _exit(0);
  if (limits.memory_bytes > 0) {
    Limit(RLIMIT_DATA, limits.memory_bytes);
    Limit(RLIMIT_AS, limits.memory_bytes + kAddressSpaceMargin);
  }
  if (limits.cpu_seconds > 0) Limit(RLIMIT_CPU, limits.cpu_seconds);
  Limit(RLIMIT_CORE, 0);
  Limit(RLIMIT_FSIZE, 0);
  Limit(RLIMIT_NOFILE, 32);
  return missing;
}

}  // namespace vora::transcode
