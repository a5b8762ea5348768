#pragma once

// The HTTP side: POST /e, GET /e?CMCD=..., OPTIONS /e.

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

#include "libs/http/server/server.h"
#include "services/analytics-ingest/intake/client_limits.h"
#include "services/analytics-ingest/intake/cors.h"
#include "services/analytics-ingest/intake/event_route_options.h"
#include "services/analytics-ingest/intake/intake.h"

namespace vora::analytics {

class EventRoutes {
 public:
  // `intake` must outlive it, and it the server it is mounted on.
  EventRoutes(EventRouteOptions options, ClientLimitOptions limits, Intake& intake, obs::Metrics& metrics);
  void Mount(http::Server& server);

 private:
  struct Client {
    std::optional<Address> address;
    std::string network;
  };
  // Requests may outlive this object for a moment when the server is torn down.
  struct InFlight {
    InFlight(ClientLimitOptions options, obs::Gauge& shown) : limits(options), gauge(shown) {}
    ClientLimits limits;
    std::atomic<int64_t> bytes{0};
    obs::Gauge& gauge;
  };
  class Share;

  static http::Task<void> Post(EventRoutes& self, http::Exchange& exchange);
  static http::Task<void> Get(EventRoutes& self, http::Exchange& exchange);
  Client ClientOf(const http::Request& request) const;
  // OK, or what speaks against taking anything in now.
  Status Admit(const Client& client);
  // The answer; nullopt when the client is gone.
  http::Task<std::optional<http::Response>> Receive(http::Exchange& exchange, const Client& client);
  http::Task<http::Response> Record(Batch batch, EventSource source);
  // Reads the body into the batch.
  Status Read(const http::Request& request, const Client& client, std::string& body, Batch& batch);
  // Counts the fault that a body has.
  Status Faulty(Status fault);
  Status TakeEvents(const Client& client, int64_t events);

  const EventRouteOptions options_;
  const Cors cors_;
  Intake& intake_;
  const std::shared_ptr<InFlight> in_flight_;
};

}  // namespace vora::analytics
