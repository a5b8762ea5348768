#include "services/transcode-worker/activities/test_worker.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace vora::transcode {

std::string WorkerProgram() { return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "vora-transcode-worker"; }

std::vector<int> FindChildren(const std::vector<std::string>& words) {
  std::vector<int> pids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const int pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0) continue;
    std::stringstream command;
    command << std::ifstream(entry.path() / "cmdline").rdbuf();
    const std::string text = command.str();
    const std::string parent = "--parent=" + std::to_string(getpid());
    if (text.find(parent) == std::string::npos) continue;
    if (std::all_of(words.begin(), words.end(), [&](const std::string& word) { return text.find(word) != std::string::npos; })) {
      pids.push_back(pid);
    }
  }
  return pids;
}

}  // namespace vora::transcode
