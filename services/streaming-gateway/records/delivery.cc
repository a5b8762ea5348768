#include "services/streaming-gateway/records/delivery.h"

#include <algorithm>

#include "services/streaming-gateway/records/client_data.h"

namespace vora::gateway {
namespace {

constexpr size_t kMaxSessionId = 64;
constexpr int64_t kMaxKbps = 4'000'000;
constexpr int64_t kMaxBufferMs = int64_t{7} * 86'400 * 1000;

// Narrower than what CMCD allows: this is what analytics takes.
bool IsSessionId(const std::string& text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= kMaxSessionId && std::all_of(text.begin(), text.end(), allowed);
}

int64_t BitsPerSecond(const std::optional<int64_t>& kbps) { return std::clamp<int64_t>(kbps.value_or(0), 0, kMaxKbps) * 1000; }

bool IsSlowFetch(const Provenance& provenance, std::chrono::milliseconds slow_origin) {
  const bool fetched = provenance.cache == CacheState::kMiss || provenance.cache == CacheState::kBypass;
  return fetched && provenance.origin >= slow_origin;
}

}  // namespace

std::optional<Delivery> DeliveryOf(const http::Request& request, const std::string& video_id, const layout::DeliveryPath& path,
                                   const Observed& observed, std::chrono::milliseconds slow_origin) {
  std::optional<cmcd::Cmcd> client = ClientData(request);
  if (client && !IsSessionId(client->session_id)) client.reset();
  if (!client && observed.status < 500 && !IsSlowFetch(observed.provenance, slow_origin)) return std::nullopt;
  Delivery delivery;
  delivery.video_id = video_id;
  delivery.object = path.Relative();
  delivery.rendition = path.track;
  delivery.segment_index = path.SegmentIndex();
  delivery.time = observed.time;
  delivery.total = observed.total;
  delivery.provenance = observed.provenance;
  delivery.bytes = observed.bytes;
  delivery.status = observed.status;
  if (client) {
    delivery.session_id = std::move(client->session_id);
    delivery.buffer_ms = std::clamp<int64_t>(client->buffer_ms.value_or(0), 0, kMaxBufferMs);
    delivery.throughput = BitsPerSecond(client->throughput_kbps);
    delivery.bitrate = BitsPerSecond(client->bitrate_kbps);
  }
  return delivery;
}

}  // namespace vora::gateway
