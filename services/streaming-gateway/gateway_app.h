#pragma once

// The streaming gateway's HTTP side: GET and HEAD /v/{video_id}/..., /t/{token}/v/{video_id}/..., /_token/{video_id},
// /healthz.

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "libs/auth/playback_token.h"
#include "libs/core/clock.h"
#include "libs/http/server/server.h"
#include "libs/obs/metrics.h"
#include "libs/storage/base/object_store.h"
#include "services/streaming-gateway/access.h"
#include "services/streaming-gateway/cache/presentation_cache.h"
#include "services/streaming-gateway/cache/segment_cache.h"
#include "services/streaming-gateway/manifest/manifests.h"
#include "services/streaming-gateway/objects/object_delivery.h"
#include "services/streaming-gateway/records/delivery_log.h"

namespace vora::gateway {

struct GatewayOptions {
  http::ServerOptions http;
  SegmentCacheOptions cache;
  PresentationCacheOptions presentations;
  std::optional<auth::PlaybackTokens> tokens;  // absent: everybody may play everything
  EdgeTrust edge;
  DeliveryLogOptions deliveries;
};

class GatewayApp {
 public:
  // `store`, `clock` and `metrics` must outlive it.
  GatewayApp(GatewayOptions options, storage::ObjectStore& store, PresentationSource metadata, const Clock& clock, obs::Metrics& metrics);
  ~GatewayApp();  // Stop
  Status Start();
  int port() const { return server_.port(); }
  const Access& access() const { return access_; }
  // Lets what is being sent end within `budget`, then gives the last delivery records a second. Safe to call twice.
  void Stop(std::chrono::milliseconds budget);

 private:
  void AddRoutes();
  static http::Task<void> Deliver(GatewayApp& self, http::Exchange& exchange);
  static http::Task<void> DeliverRecorded(GatewayApp& self, http::Exchange& exchange, const std::string& video_id,
                                          const layout::DeliveryPath& path);
  http::Task<void> Answer(http::Exchange& exchange, const std::string& video_id, const layout::DeliveryPath& path, Provenance& provenance);

  const Clock& clock_;
  Access access_;
  SegmentCache cache_;
  PresentationCache presentations_;
  ObjectDelivery objects_;
  Manifests manifests_;
  DeliveryLog deliveries_;
  http::Server server_;  // last: its coroutines use all of the above
};

}  // namespace vora::gateway
