#pragma once

// Status and StatusOr for everything fallible, and the one judge of what may be retried.

#include <string>
#include <string_view>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace vora {

using absl::Status;
using absl::StatusCode;
using absl::StatusOr;

// The code in lower snake case: not_found.
std::string CodeName(StatusCode code);
// Makes a status of `code`; `message` is for people. std::string_view on purpose: Debian's absl has its own string_view.
Status MakeStatus(StatusCode code, std::string_view message);
Status InvalidArgument(std::string_view message);
Status NotFound(std::string_view message);
Status AlreadyExists(std::string_view message);
Status FailedPrecondition(std::string_view message);
Status Aborted(std::string_view message);  // a compare-and-swap lost, a fencing token is stale
Status Unavailable(std::string_view message);
Status DeadlineExceeded(std::string_view message);
Status ResourceExhausted(std::string_view message);
Status PermissionDenied(std::string_view message);
Status Unauthenticated(std::string_view message);
Status DataLoss(std::string_view message);  // a checksum did not match
Status Internal(std::string_view message);
Status Cancelled(std::string_view message);
Status OutOfRange(std::string_view message);
Status Unimplemented(std::string_view message);

// The message as std::string.
std::string Message(const Status& status);
// "UNAVAILABLE: connection refused", for logs.
std::string ToText(const Status& status);
// `status` with "context: " before its message, its detail (libs/core/error.h) kept; OK stays OK.
Status Annotate(Status status, std::string_view context);

// True for faults that may pass by themselves: UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED.
// A retry needs an idempotent operation as well; that is the caller's to know.
bool IsTransient(const Status& status);

}  // namespace vora

#define VORA_STATUS_CONCAT_INNER(a, b) a##b
#define VORA_STATUS_CONCAT(a, b) VORA_STATUS_CONCAT_INNER(a, b)

#define VORA_RETURN_IF_ERROR(expr)                                                     \
  do {                                                                                 \
    if (::vora::Status vora_status_ = (expr); !vora_status_.ok()) return vora_status_; \
  } while (false)

#define VORA_ASSIGN_OR_RETURN(lhs, expr) VORA_ASSIGN_OR_RETURN_IMPL(VORA_STATUS_CONCAT(vora_status_or_, __LINE__), lhs, expr)
#define VORA_ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                               \
  if (!tmp.ok()) return tmp.status();              \
  lhs = std::move(tmp).value()
