#pragma once

// The system calls that a child process may make: what decoding and encoding need when input comes over a socket that is open already and
// frames lie in shared memory. No new sockets, no programs, no processes, no files.

#include <string>
#include <string_view>

namespace vora::transcode {

// Exit code of a process that tried what it must not.
inline constexpr int kForbiddenCallExit = 86;

// Installs the filter for this thread and all it will start; needs no privileges but no_new_privs. From then on a call that only hostile
// code makes (socket, execve, ptrace, opening a file to write ...) ends the process: it says which on stderr and exits with
// kForbiddenCallExit. Looking at files is refused (EACCES), everything else not on the list too (EPERM). Empty, or why there is no filter.
// Call while single-threaded.
std::string InstallSystemCallFilter();

// The call that ended a process, from what it left on stderr; "unknown" if it did not say.
std::string ForbiddenCall(std::string_view stderr_tail);

}  // namespace vora::transcode
