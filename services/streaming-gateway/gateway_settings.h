#pragma once

// The settings of the gateway.

#include <chrono>
#include <cstdint>
#include <string>

#include "libs/http/server/server.h"
#include "libs/settings/settings.h"
#include "libs/storage/roots.h"
#include "services/streaming-gateway/gateway_app.h"

namespace vora::gateway {

struct GatewaySettings {
  http::ServerOptions http;  // behind the edge, every peer is the edge: limits per client are off until it is named as a proxy
  std::string http_listen = "127.0.0.1:8083";
  storage::StorageSettings storage{{storage::Root::kProcessed}};
  std::string metadata = "127.0.0.1:9082";
  std::string tokens = "off";
  std::string keys;
  std::string edge_secret;
  std::chrono::milliseconds verdict_lifetime{60'000};
  int64_t cache_bytes = 64 << 20;
  int64_t io_threads = 2;
  std::chrono::milliseconds metadata_timeout{2000};
  std::string analytics;
  std::chrono::milliseconds slow_origin{1000};

  void Declare(SettingsSchema& schema);
  // INVALID_ARGUMENT naming the variable.
  StatusOr<GatewayOptions> Options() const;
};

}  // namespace vora::gateway
