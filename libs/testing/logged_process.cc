#include "libs/testing/logged_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace vora {
namespace {

[[noreturn]] void Exec(const std::vector<std::string>& command, const std::string& log,
                       const std::map<std::string, std::string>& environment) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  dup2(out, 1);
  dup2(out, 2);
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  _exit(127);
}

}  // namespace

pid_t StartLogged(const std::vector<std::string>& command, const std::string& log, bool dies_with_thread,
                  const std::map<std::string, std::string>& environment) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child != 0) return child;
  if (dies_with_thread) prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The test may have ended before the child asked to be told.
  if (getppid() != parent) _exit(1);
  Exec(command, log, environment);
}

std::string TailOfFile(const std::string& path) {
  constexpr size_t kTail = 2000;
  std::ifstream in(path);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return text.size() > kTail ? text.substr(text.size() - kTail) : text;
}

}  // namespace vora
