#include "services/metadata/analytics/viewer_erasure.h"

#include <atomic>
#include <chrono>

#include "libs/core/caller.h"
#include "libs/core/error.h"
#include "libs/core/text.h"
#include "libs/log/log.h"
#include "libs/rpc/call.h"
#include "services/metadata/videos/video_fields.h"
#include "vora/analytics/v1/analytics.grpc.pb.h"

namespace vora::metadata {
namespace {

constexpr size_t kMaxViewerIdBytes = 64;
constexpr int kAtOnce = 2;
// ClickHouse rewrites whole parts for it, after what is still in the spool has come in. What takes longer is finished by a repetition.
constexpr std::chrono::seconds kErasureTimeout{25};

}  // namespace

struct ViewerErasure::Impl {
  explicit Impl(AnalyticsReader& r) : reader(r) {}
  AnalyticsReader& reader;
  std::unique_ptr<analytics::v1::AnalyticsIngest::Stub> stub;  // nullptr: not configured
  std::atomic<int> running{0};

  // analytics-ingest would wait for ClickHouse as long as it may.
  Status CheckThere() {
    if (!reader.configured()) return absl::OkStatus();
    VORA_ASSIGN_OR_RETURN(AnalyticsReader::Turn turn, reader.Begin());
    return turn.Read("SELECT 1 FORMAT TSV", 1).status();
  }
};

ViewerErasure::ViewerErasure(const std::string& target, AnalyticsReader& reader) : impl_(new Impl(reader)) {
  if (!target.empty()) impl_->stub = analytics::v1::AnalyticsIngest::NewStub(rpc::Connect(target));
}

ViewerErasure::~ViewerErasure() = default;

StatusOr<analytics::v1::EraseViewerResponse> ViewerErasure::Erase(const std::string& tenant, const std::string& viewer_id) {
  if (viewer_id.empty() || viewer_id.size() > kMaxViewerIdBytes) return InvalidField("viewer_id", "must be 1 to 64 bytes");
  if (!CountCodePoints(viewer_id)) return InvalidField("viewer_id", "must be UTF-8");
  if (!impl_->stub) return Unavailable("analytics are not configured: the operator sets VORA_ANALYTICS");
  struct Place {
    std::atomic<int>& running;
    const int before = running.fetch_add(1);
    ~Place() { --running; }
  } place{impl_->running};
  // Counted before it is judged, so that two callers cannot both see the last place free.
  if (place.before >= kAtOnce) return Unavailable("other erasures are under way; try again later");
  // A quick question first, so that nobody waits for the whole time limit to hear that ClickHouse is away.
  VORA_RETURN_IF_ERROR(impl_->CheckThere());
  analytics::v1::EraseViewerRequest request;
  request.set_tenant(tenant);
  request.set_viewer_id(viewer_id);
  auto erased = rpc::Call(*impl_->stub, &analytics::v1::AnalyticsIngest::Stub::EraseViewer, request, kErasureTimeout);
  if (erased.ok() && tenant == kDefaultTenant) return erased;
  // Said as a failure: an erasure that is told to be complete and is not would be believed.
  if (erased.ok()) {
    return FailedPrecondition("viewer_id: " + std::to_string(erased->events()) +
                              " events that programs recorded for the tenant are erased; what players report lies under the tenant `" +
                              std::string(kDefaultTenant) + "`, whose operators erase it");
  }
  const Status& status = erased.status();
  if (status.code() == StatusCode::kInvalidArgument) return status;
  log::Warn("a viewer could not be erased", {{"reason", ToText(status)}});
  if (status.code() == StatusCode::kDeadlineExceeded)
    return Unavailable("the erasure takes longer than a request may; repeat it until it is confirmed");
  if (status.code() == StatusCode::kUnavailable)
    return Unavailable("the viewer cannot be erased right now, since the analytics daemon or its database is away; repeat it later");
  return status;
}

}  // namespace vora::metadata
