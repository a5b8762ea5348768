#include "libs/rpc/status.h"

#include <charconv>
#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "libs/core/error.h"

namespace vora::rpc {
namespace {

constexpr char kDomain[] = "vora";

std::string Pack(const Status& status, const ErrorDetail& detail) {
  google::rpc::Status packed;
  packed.set_code(static_cast<int>(status.code()));
  packed.set_message(Message(status));
  google::rpc::ErrorInfo info;
  info.set_reason(detail.reason);
  info.set_domain(kDomain);
  if (!detail.limit.empty()) (*info.mutable_metadata())["limit"] = detail.limit;
  if (detail.offset) (*info.mutable_metadata())["offset"] = std::to_string(*detail.offset);
  packed.add_details()->PackFrom(info);
  if (!detail.field.empty()) {
    google::rpc::BadRequest bad;
    auto* violation = bad.add_field_violations();
    violation->set_field(detail.field);
    violation->set_description(Message(status));
    packed.add_details()->PackFrom(bad);
  }
  if (detail.retry_after > 0) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(detail.retry_after);
    packed.add_details()->PackFrom(retry);
  }
  return packed.SerializeAsString();
}

void Read(const google::rpc::ErrorInfo& info, ErrorDetail& detail) {
  detail.reason = info.reason();
  for (const auto& [name, value] : info.metadata()) {
    if (name == "limit") detail.limit = value;
    int64_t offset = 0;
    const bool number = std::from_chars(value.data(), value.data() + value.size(), offset).ec == std::errc();
    if (name == "offset" && number) detail.offset = offset;
  }
}

ErrorDetail Unpack(const std::string& bytes) {
  ErrorDetail detail;
  google::rpc::Status packed;
  if (!packed.ParseFromString(bytes)) return detail;
  for (const auto& any : packed.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    google::rpc::RetryInfo retry;
    if (any.UnpackTo(&info) && info.domain() == kDomain) Read(info, detail);
    if (any.UnpackTo(&bad) && bad.field_violations_size() > 0) detail.field = bad.field_violations(0).field();
    if (any.UnpackTo(&retry)) detail.retry_after = retry.retry_delay().seconds();
  }
  return detail;
}

}  // namespace

grpc::Status ToGrpc(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.code()), Message(status), Pack(status, DetailOf(status))};
}

Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const Status made = MakeStatus(static_cast<StatusCode>(status.error_code()), status.error_message());
  ErrorDetail detail = Unpack(status.error_details());
  // A reason that only repeats the code is no detail.
  if (detail.reason == DetailOf(made).reason) detail.reason.clear();
  const bool plain = detail.reason.empty() && detail.field.empty() && detail.limit.empty() && !detail.offset && detail.retry_after == 0;
  return plain ? made : WithDetail(made, detail);
}

}  // namespace vora::rpc
