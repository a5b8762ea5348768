#include <chrono>

#include "libs/protojson/proto_json.h"
#include "services/metadata/api/rest.h"
#include "services/metadata/processing/fleet_view.h"

namespace vora::metadata {
namespace {

constexpr std::chrono::milliseconds kInterval{2000};

// The whole fleet every two seconds, until the client goes, the server drains or the stream's time is over.
http::Task<void> StreamFleet(http::Exchange& exchange, FleetView& fleet) {
  http::Response head = EventStreamHead();
  Status going = co_await exchange.Begin(std::move(head), std::nullopt);
  if (exchange.request().method == "HEAD") {
    co_await exchange.Finish();
    co_return;
  }
  const auto end = std::chrono::steady_clock::now() + kStreamLifetime;
  while (going.ok() && std::chrono::steady_clock::now() < end) {
    auto ask = [&]() -> StatusOr<std::string> { return ToJsonText(fleet.Get()); };
    const StatusOr<std::string> text = co_await exchange.Blocking(ask);
    if (!text.ok()) break;
    const std::string message = "data: " + *text + "\n\n";
    going = co_await exchange.Write(message);
    if (!going.ok()) break;
    going = co_await exchange.Sleep(kInterval);
  }
  co_await exchange.Finish();
}

}  // namespace

void AddFleetRoutes(ApiRoutes& routes, FleetView& fleet) {
  routes.Simple("GET", "/v1/fleet",
                [&fleet](const http::Request&, const std::string&) { return http::Response::Json(200, ToJsonText(fleet.Get())); });
  routes.Streaming("GET", "/v1/fleet/events", [&fleet](http::Exchange& exchange) { return StreamFleet(exchange, fleet); });
}

}  // namespace vora::metadata
