#pragma once

// What hostile code in a child process would try. Run in a child by the worker when it starts, which wants to know that its sandbox holds,
// and by the tests.

#include <string>

#include "libs/core/status.h"

namespace vora::transcode {

// Tries it. OK with "refused: ..." or "did it: ..." when the process lives to tell; most trials end it. Names: nothing, socket, connect,
// open, write, execve, fork, threads, ptrace, mount, memory, cpu, descriptors, executable, network, uid. INVALID_ARGUMENT for others.
StatusOr<std::string> TryForbidden(const std::string& name);

}  // namespace vora::transcode
