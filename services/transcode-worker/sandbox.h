#pragma once

// The cage of a child process, put on before it looks at any input.

#include <cstdint>
#include <string>

namespace vora::transcode {

struct SandboxLimits {
  int parent = 0;            // pid; the child ends when it is another one by now
  int64_t memory_bytes = 0;  // of writable memory
  int64_t cpu_seconds = 0;
  int nice = 0;
};

// No new privileges, dies with its parent, no network, no files to write, no core dumps, bounded memory, CPU and descriptors; as nobody
// when the worker runs as root. Returns what could not be had, for the log; empty when all is well. Call while single-threaded.
std::string EnterSandbox(const SandboxLimits& limits);

}  // namespace vora::transcode
