#include "services/transcode-worker/activities/failure.h"

#include <csignal>
#include <cstring>

#include "libs/core/error.h"
#include "libs/media/base/media_error.h"
#include "services/transcode-worker/child/seccomp_filter.h"

namespace vora::transcode {
namespace {

workflow::v1::Failure Make(const std::string& code, const std::string& message, bool permanent) {
  workflow::v1::Failure failure;
  failure.set_code(code);
  failure.set_message(message);
  failure.set_non_retryable(permanent);
  return failure;
}

}  // namespace

workflow::v1::Failure FailureOf(const Status& status) {
  if (const auto fault = media::AsMediaFault(status); fault.has_value()) return Make(fault->code, fault->message, true);
  const std::string message = vora::Message(status);
  if (const std::string reason = DetailOf(status).reason; reason.starts_with("import.")) return Make(reason, message, true);
  switch (status.code()) {
    case StatusCode::kNotFound:
      return Make("source.not_found", message, true);
    case StatusCode::kInvalidArgument:
      return Make("worker.bad_input", message, true);
    case StatusCode::kFailedPrecondition:
      return Make("worker.init_mismatch", message, true);
    case StatusCode::kUnavailable:
    case StatusCode::kAborted:
      return Make("store.unavailable", message, false);
    case StatusCode::kDeadlineExceeded:
      return Make("worker.child_timeout", message, false);
    case StatusCode::kResourceExhausted:
      return Make("worker.out_of_memory", message, false);
    default:
      return Make("worker.internal", ToText(status), false);
  }
}

workflow::v1::Failure FailureOf(const ChildExit& exit, const std::string& what) {
  workflow::v1::Failure failure;
  // The exit code stands above what the child said: after a forbidden call nothing that it says can be trusted.
  if (exit.exit_code == kForbiddenCallExit) {
    failure =
        Make("worker.forbidden_call",
             "The " + what + " tried a forbidden system call (" + ForbiddenCall(exit.stderr_tail) + "); the file may be an attack.", true);
  } else if (exit.failure.has_value()) {
    failure = FailureOf(*exit.failure);
  } else if (exit.signal == SIGXCPU) {
    // The soft limit's signal; a child that ignores it meets the hard limit, which kills.
    failure = Make("worker.child_timeout", "The " + what + " used up its processor time.", false);
  } else if (exit.signal != 0) {
    failure = Make("worker.child_crashed",
                   "The " + what + " was ended by signal " + std::to_string(exit.signal) + " (" + strsignal(exit.signal) + ").", false);
  } else {
    failure =
        Make("worker.child_crashed", "The " + what + " ended with exit code " + std::to_string(exit.exit_code) + " and no result.", false);
  }
  failure.set_details(exit.stderr_tail);
  return failure;
}

}  // namespace vora::transcode
