#include "services/transcode-worker/activities/sandbox_check.h"

#include "libs/log/log.h"
#include "services/transcode-worker/child/sandbox.h"
#include "services/transcode-worker/child/seccomp_filter.h"

namespace vora::transcode {
namespace {

StatusOr<ChildExit> Try(const WorkerContext& context, const std::string& trial, SandboxReport* report) {
  VORA_ASSIGN_OR_RETURN(const auto child, ChildProcess::Spawn(context.NewChild("check")));
  VORA_RETURN_IF_ERROR(child->Send(MessageType::kJob, trial));
  VORA_RETURN_IF_ERROR(child->Send(MessageType::kStart, "0"));
  return child->Run([&](Message& message) -> Status {
    if (message.type == MessageType::kNotice) *report = SandboxReport::Parse(message.payload);
    return {};
  });
}

}  // namespace

Status CheckSandbox(const WorkerContext& context) {
  SandboxReport report;
  VORA_ASSIGN_OR_RETURN(const ChildExit lived, Try(context, "nothing", &report));
  if (!lived.ok()) return FailedPrecondition("a child process in its sandbox could not answer: " + lived.stderr_tail);
  log::Info("sandbox of child processes", {{"layers", report.Text()}});
  if (!report.no_new_privileges) return FailedPrecondition("no_new_privs cannot be set for child processes");
  if (!report.system_call_filter) {
    if (context.options().strict_sandbox) {
      return FailedPrecondition("decoding would run without a system call filter (" + report.problems +
                                "); allow seccomp in this container, or set VORA_WORKER_SANDBOX=relaxed to do without");
    }
    log::Warn("decoding runs without a system call filter", {{"why", report.problems}});
  }
  VORA_ASSIGN_OR_RETURN(const ChildExit reached, Try(context, "socket", &report));
  const bool socket_made = reached.ok() && reached.result->rfind("did it", 0) == 0;
  // In a network namespace of its own a socket leads nowhere.
  if (socket_made && !report.network_namespace) {
    if (context.options().strict_sandbox) return FailedPrecondition("a child process could reach the network: " + report.problems);
    log::Warn("decoding can reach the network", {{"why", report.problems}});
  }
  return {};
}

}  // namespace vora::transcode
