#pragma once

// The settings of the analytics daemon.

#include <chrono>
#include <string>

#include "libs/clickhouse/client.h"
#include "libs/http/server/server.h"
#include "libs/settings/settings.h"
#include "services/analytics-ingest/events/viewer_hash.h"
#include "services/analytics-ingest/intake/client_limits.h"
#include "services/analytics-ingest/intake/event_route_options.h"
#include "services/analytics-ingest/shipper/shipper.h"
#include "services/analytics-ingest/spool/spool.h"

namespace vora::analytics {

struct IngestSettings {
  IngestSettings();
  std::string http_listen = "127.0.0.1:8084";
  int64_t io_threads = 2;
  EventRouteOptions routes;
  http::ServerOptions http;  // the limits; the rest comes from the settings here
  ClientLimitOptions limits;
  std::string viewer_hash = "rotating";
  std::string viewer_secret;
  std::chrono::milliseconds viewer_salt_period{720 * 3'600'000LL};
  SpoolOptions spool;
  ShipperOptions shipper;
  clickhouse::Options clickhouse;

  void Declare(SettingsSchema& schema);
  // INVALID_ARGUMENT naming the variable.
  Status Check() const;
  ViewerHashOptions ViewerOptions(std::string secret) const;
};

}  // namespace vora::analytics
