#pragma once

// The sandbox of a child process, put on before it looks at any input.

#include <cstdint>
#include <string>
#include <string_view>

namespace vora::transcode {

struct SandboxLimits {
  int parent = 0;            // pid; the child ends when it is another one by now
  int64_t memory_bytes = 0;  // of writable memory
  int64_t cpu_seconds = 0;
  int nice = 0;
};

// Which layers are on. The first two need no privileges and hold in every container; the others are had where the kernel lets them be.
struct SandboxReport {
  bool no_new_privileges = false;
  bool system_call_filter = false;
  bool network_namespace = false;
  bool no_paths = false;  // Landlock: not one path can be opened
  bool unprivileged = false;
  std::string problems;  // why a layer is off; empty when all are on

  // One line, e.g. "no_new_privileges=yes system_call_filter=yes ...; problems", and back.
  std::string Text() const;
  static SandboxReport Parse(std::string_view text);
};

// No new privileges, dies with its parent, no network, no files, no processes, no core dumps, bounded memory, CPU, descriptors and threads;
// as nobody when the worker runs as root. Call while single-threaded.
SandboxReport EnterSandbox(const SandboxLimits& limits);

}  // namespace vora::transcode
