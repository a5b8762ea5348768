#include "services/analytics-ingest/formats/proto_events.h"

#include <algorithm>
#include <limits>

namespace vora::analytics {
namespace {

constexpr int64_t kMaxDeliveryAgeMs = 3'600'000;
constexpr int64_t kMaxSegmentIndex = std::numeric_limits<int32_t>::max();

// -1: before 1970 or otherwise not a time.
int64_t UnixMs(const google::protobuf::Timestamp& time) {
  constexpr int64_t kMaxSeconds = kMaxUnixMs / 1000;
  if (time.seconds() < 0 || time.seconds() > kMaxSeconds || time.nanos() < 0 || time.nanos() > 999'999'999) return -1;
  return time.seconds() * 1000 + time.nanos() / 1'000'000;
}

void SetTenant(EventBuilder& to, const std::string& tenant) {
  if (!tenant.empty()) to.Id(to.event.tenant, "tenant", tenant);
}

void SetBitrate(EventBuilder& to, int64_t bitrate) {
  if (to.Count("bitrate", bitrate, kMaxBitrate)) to.event.bitrate = static_cast<uint32_t>(bitrate);
}

void SetThroughput(EventBuilder& to, int64_t throughput) {
  if (to.Count("throughput", throughput, kMaxThroughput)) to.event.throughput_kbps = static_cast<uint32_t>(throughput / 1000);
}

void SetBytes(EventBuilder& to, int64_t bytes) {
  if (to.Count("bytes", bytes, kMaxObjectSize)) to.event.bytes = static_cast<uint64_t>(bytes);
}

template <typename Message>
void SetSegment(EventBuilder& to, const Message& from) {
  if (from.has_segment_index() && to.Count("segment_index", from.segment_index(), kMaxSegmentIndex)) {
    to.event.segment_index = from.segment_index();
  }
}

const char* CacheName(v1::CacheState state) {
  switch (state) {
    case v1::CACHE_STATE_HIT:
      return "hit";
    case v1::CACHE_STATE_MISS:
      return "miss";
    case v1::CACHE_STATE_COALESCED:
      return "coalesced";
    case v1::CACHE_STATE_BYPASS:
      return "bypass";
    default:
      return "";
  }
}

}  // namespace

void AddProtoEvent(const v1::PlaybackEvent& from, Batch& batch) {
  EventBuilder& to = batch.Begin();
  Event& event = to.event;
  SetTenant(to, from.tenant());
  if (!from.video_id().empty()) to.Id(event.video_id, "video_id", from.video_id());
  if (!from.session_id().empty()) to.Id(event.session_id, "session_id", from.session_id());
  if (from.has_sequence() && to.Count("sequence", from.sequence(), kMaxSequence)) event.sequence = from.sequence();
  if (from.type() != v1::EVENT_TYPE_UNSPECIFIED) {
    to.typed = from.type() >= v1::EVENT_TYPE_PLAY && from.type() <= v1::EVENT_TYPE_ENDED;
    if (to.typed) event.type = static_cast<EventType>(from.type());
    if (!to.typed) to.Wrong("type", "must be one of the enumeration EventType");
  }
  if (from.has_player_time()) to.PlayerTime(UnixMs(from.player_time()));
  to.Seconds(event.position_ms, "position_seconds", from.position_seconds());
  to.Seconds(event.duration_ms, "duration_seconds", from.duration_seconds());
  to.Seconds(event.buffer_ms, "buffer_seconds", from.buffer_seconds());
  to.Label(event.rendition, "rendition", from.rendition());
  to.Label(event.error_code, "error_code", from.error_code());
  to.Viewer(from.viewer_id());
  SetBitrate(to, from.bitrate());
  SetThroughput(to, from.throughput());
  SetBytes(to, from.bytes());
  SetSegment(to, from);
  batch.End();
}

void AddDelivery(const v1::DeliveryRecord& from, Batch& batch) {
  EventBuilder& to = batch.Begin();
  Event& event = to.event;
  event.type = EventType::kDelivery;
  event.source = EventSource::kGateway;
  SetTenant(to, from.tenant());
  to.Id(event.video_id, "video_id", from.video_id());
  if (!from.session_id().empty()) to.Id(event.session_id, "session_id", from.session_id());
  if (from.has_time()) {
    to.PlayerTime(UnixMs(from.time()));
    event.server_ms = std::clamp(event.player_ms, event.server_ms - kMaxDeliveryAgeMs, event.server_ms);
  }
  to.Label(event.object, "object", from.object(), kMaxObjectBytes);
  to.Seconds(event.origin_ms, "origin_seconds", from.origin_seconds());
  to.Seconds(event.duration_ms, "total_seconds", from.total_seconds());
  to.Seconds(event.buffer_ms, "buffer_seconds", from.buffer_seconds());
  to.Label(event.rendition, "rendition", from.rendition());
  if (to.Count("status", from.status(), 999)) event.status = static_cast<uint16_t>(from.status());
  event.cache = CacheName(from.cache());
  SetBitrate(to, from.bitrate());
  SetThroughput(to, from.throughput());
  SetBytes(to, from.bytes());
  SetSegment(to, from);
  if (!to.ok()) return batch.Reject(to.field(), to.reason());
  batch.AddRow(event);
  batch.Accept();
}

}  // namespace vora::analytics
