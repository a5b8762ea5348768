#include "libs/core/status.h"

#include "libs/core/text.h"

namespace vora {

Status MakeStatus(StatusCode code, std::string_view message) { return Status(code, absl::string_view(message.data(), message.size())); }
std::string CodeName(StatusCode code) { return ToLower(absl::StatusCodeToString(code)); }

Status InvalidArgument(std::string_view message) { return MakeStatus(StatusCode::kInvalidArgument, message); }
Status NotFound(std::string_view message) { return MakeStatus(StatusCode::kNotFound, message); }
Status AlreadyExists(std::string_view message) { return MakeStatus(StatusCode::kAlreadyExists, message); }
Status FailedPrecondition(std::string_view message) { return MakeStatus(StatusCode::kFailedPrecondition, message); }
Status Aborted(std::string_view message) { return MakeStatus(StatusCode::kAborted, message); }
Status Unavailable(std::string_view message) { return MakeStatus(StatusCode::kUnavailable, message); }
Status DeadlineExceeded(std::string_view message) { return MakeStatus(StatusCode::kDeadlineExceeded, message); }
Status ResourceExhausted(std::string_view message) { return MakeStatus(StatusCode::kResourceExhausted, message); }
Status PermissionDenied(std::string_view message) { return MakeStatus(StatusCode::kPermissionDenied, message); }
Status Unauthenticated(std::string_view message) { return MakeStatus(StatusCode::kUnauthenticated, message); }
Status DataLoss(std::string_view message) { return MakeStatus(StatusCode::kDataLoss, message); }
Status Internal(std::string_view message) { return MakeStatus(StatusCode::kInternal, message); }
Status Cancelled(std::string_view message) { return MakeStatus(StatusCode::kCancelled, message); }
Status OutOfRange(std::string_view message) { return MakeStatus(StatusCode::kOutOfRange, message); }
Status Unimplemented(std::string_view message) { return MakeStatus(StatusCode::kUnimplemented, message); }

std::string Message(const Status& status) { return std::string(status.message().data(), status.message().size()); }

std::string ToText(const Status& status) {
  std::string text = absl::StatusCodeToString(status.code());
  if (!status.message().empty()) text.append(": ").append(Message(status));
  return text;
}

Status Annotate(Status status, std::string_view context) {
  if (status.ok()) return status;
  Status annotated = MakeStatus(status.code(), std::string(context) + ": " + Message(status));
  // What programs are told goes along: only the words for people change (ADR 20).
  status.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) { annotated.SetPayload(type, payload); });
  return annotated;
}

bool IsTransient(const Status& status) {
  switch (status.code()) {
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded:
    case StatusCode::kResourceExhausted:
    // A lost race: whoever reads again may win the next one. A stale token is ABORTED as well, and stays stale however often it is shown.
    case StatusCode::kAborted:
      return true;
    default:
      return false;
  }
}

}  // namespace vora
