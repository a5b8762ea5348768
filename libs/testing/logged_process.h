#pragma once

// A server that a whole test run shares: started with its output in a file, unlike ChildProcess, whose output a test reads.

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace vora {

// The process of `command`, whose first word is looked for in PATH, with no signal blocked and `environment` added to the test's.
// Everything that it writes is appended to `log`. `dies_with_thread`: it is killed with the thread that started it.
pid_t StartLogged(const std::vector<std::string>& command, const std::string& log, bool dies_with_thread,
                  const std::map<std::string, std::string>& environment = {});

// The last 2,000 bytes of a file; "" when there is none.
std::string TailOfFile(const std::string& path);

}  // namespace vora
