#include "services/transcode-worker/child/child_main.h"

#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "libs/media/base/ffmpeg_log.h"
#include "libs/media/base/source_limits.h"
#include "services/transcode-worker/child/child_roles.h"
#include "services/transcode-worker/child/sandbox.h"
#include "services/transcode-worker/pipe/message.h"

namespace vora::transcode {
namespace {

constexpr std::string_view kChild = "--child=";

std::string Argument(int argc, char** argv, std::string_view name) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.substr(0, name.size()) == name) return std::string(argument.substr(name.size()));
  }
  return {};
}

// The source as the worker hands it over, range by range.
class SocketSource : public media::ByteSource {
 public:
  explicit SocketSource(int64_t size) : size_(size) {}
  int64_t size() const override { return size_; }
  StatusOr<size_t> ReadAt(int64_t offset, char* buffer, size_t size) override {
    if (offset >= size_) return size_t{0};
    // The worker refuses a longer request.
    const uint32_t wanted = static_cast<uint32_t>(std::min<size_t>(size, 1U << 20));
    VORA_RETURN_IF_ERROR(SendMessage(kChildSocket, MessageType::kRead, PackRead({offset, wanted})));
    Message answer;
    VORA_RETURN_IF_ERROR(ReceiveMessage(kChildSocket, &answer));
    // A longer answer would write beyond the caller's buffer.
    if (answer.type != MessageType::kData || answer.payload.size() > wanted) return Unavailable("the source cannot be read");
    std::memcpy(buffer, answer.payload.data(), answer.payload.size());
    return answer.payload.size();
  }

 private:
  int64_t size_;
};

StatusOr<std::string> RunRole(const std::string& role) {
  std::vector<std::string> jobs;
  for (;;) {
    Message message;
    VORA_RETURN_IF_ERROR(ReceiveMessage(kChildSocket, &message));
    if (message.type == MessageType::kJob) {
      jobs.push_back(std::move(message.payload));
    } else if (message.type == MessageType::kStart) {
      SocketSource source(std::atoll(message.payload.c_str()));
      if (const ChildRole* known = FindChildRole(role)) return known->run(source, jobs);
      return InvalidArgument("no such role");
    } else {
      return InvalidArgument("unexpected message");
    }
  }
}

}  // namespace

bool IsChildCommand(int argc, char** argv) { return argc > 1 && std::string_view(argv[1]).substr(0, kChild.size()) == kChild; }

int ChildMain(int argc, char** argv) {
  SandboxLimits limits;
  limits.parent = std::atoi(Argument(argc, argv, "--parent=").c_str());
  limits.memory_bytes = std::atoll(Argument(argc, argv, "--memory=").c_str());
  limits.cpu_seconds = std::atoll(Argument(argc, argv, "--cpu=").c_str());
  limits.nice = std::atoi(Argument(argc, argv, "--nice=").c_str());
  const bool needs_filter = Argument(argc, argv, "--filter=") != "optional";
  media::SetSourceLimits(media::SourceLimits::Parse(Argument(argc, argv, "--limits=")));
  // Nothing of the input is read before this: what came so far are the worker's own arguments.
  const SandboxReport report = EnterSandbox(limits);
  const std::string role = Argument(argc, argv, kChild);
  if (role == kCheckRole) {
    if (!SendMessage(kChildSocket, MessageType::kNotice, report.Text()).ok()) return 3;
  } else if (needs_filter && !report.system_call_filter) {
    const Status unprotected = Internal("the sandbox could not be set up: " + report.problems);
    static_cast<void>(SendMessage(kChildSocket, MessageType::kFailure, PackStatus(unprotected)));
    return 3;
  }
  media::LimitFfmpegLog();
  StatusOr<std::string> result = std::string();
  try {
    result = RunRole(role);
  } catch (const std::bad_alloc&) {
    // The limit of memory shows as this; the worker must know it from a fault of the program.
    result = ResourceExhausted("out of memory");
  } catch (const std::exception& e) {
    result = Internal(e.what());
  }
  if (!result.ok()) {
    static_cast<void>(SendMessage(kChildSocket, MessageType::kFailure, PackStatus(result.status())));
    return 3;
  }
  return SendMessage(kChildSocket, MessageType::kResult, *result).ok() ? 0 : 3;
}

}  // namespace vora::transcode
