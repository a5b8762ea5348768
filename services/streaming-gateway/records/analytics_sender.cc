#include <memory>

#include "libs/core/caller.h"
#include "libs/rpc/call.h"
#include "services/streaming-gateway/records/delivery_log.h"
#include "vora/analytics/v1/analytics.grpc.pb.h"

namespace vora::gateway {
namespace {

constexpr const char* kTenant = kDefaultTenant;

double Seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

void Fill(const Delivery& from, analytics::v1::DeliveryRecord& to) {
  const int64_t nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(from.time.time_since_epoch()).count();
  to.set_tenant(kTenant);
  to.set_video_id(from.video_id);
  to.set_session_id(from.session_id);
  to.mutable_time()->set_seconds(nanos / 1'000'000'000);
  to.mutable_time()->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  to.set_object(from.object);
  to.set_cache(static_cast<analytics::v1::CacheState>(from.provenance.cache));
  to.set_origin_seconds(Seconds(from.provenance.origin));
  to.set_total_seconds(Seconds(from.total));
  to.set_bytes(from.bytes);
  to.set_status(from.status);
  to.set_rendition(from.rendition);
  if (from.segment_index) to.set_segment_index(*from.segment_index);
  to.set_buffer_seconds(static_cast<double>(from.buffer_ms) / 1000);
  to.set_throughput(from.throughput);
  to.set_bitrate(from.bitrate);
}

static_assert(static_cast<int>(CacheState::kHit) == analytics::v1::CACHE_STATE_HIT);
static_assert(static_cast<int>(CacheState::kMiss) == analytics::v1::CACHE_STATE_MISS);
static_assert(static_cast<int>(CacheState::kCoalesced) == analytics::v1::CACHE_STATE_COALESCED);
static_assert(static_cast<int>(CacheState::kBypass) == analytics::v1::CACHE_STATE_BYPASS);

}  // namespace

DeliverySender AnalyticsSender(const std::string& target) {
  std::shared_ptr<analytics::v1::AnalyticsIngest::Stub> stub = analytics::v1::AnalyticsIngest::NewStub(rpc::Connect(target));
  return [stub](const std::vector<Delivery>& batch, std::chrono::milliseconds timeout) -> StatusOr<int64_t> {
    analytics::v1::RecordDeliveriesRequest request;
    for (const Delivery& delivery : batch) Fill(delivery, *request.add_records());
    VORA_ASSIGN_OR_RETURN(const auto response, rpc::Call(*stub, &analytics::v1::AnalyticsIngest::Stub::RecordDeliveries, request, timeout));
    return response.accepted();
  };
}

}  // namespace vora::gateway
