#include "services/streaming-gateway/gateway.h"

#include <utility>

#include "libs/core/ids.h"
#include "services/streaming-gateway/object_path.h"
#include "services/streaming-gateway/reply.h"

namespace vora::gateway {
namespace {

// Players on any page may read the media; nothing here depends on who is logged in there.
void AddCors(const http::Request& /*request*/, http::Response& head) {
  head.headers.Set("Access-Control-Allow-Origin", "*");
  head.headers.Set("Access-Control-Expose-Headers", "Accept-Ranges, Age, Content-Length, Content-Range, Date, ETag, Retry-After, X-Cache");
  head.headers.Set("Cross-Origin-Resource-Policy", "cross-origin");
  head.headers.Set("Timing-Allow-Origin", "*");
  head.headers.Set("X-Content-Type-Options", "nosniff");
}

http::Task<void> Preflight(http::Exchange& exchange) {
  http::Response response = http::Response::Empty(204);
  response.headers.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
  response.headers.Set("Access-Control-Allow-Headers", "If-None-Match, If-Range, Range, traceparent");
  response.headers.Set("Access-Control-Max-Age", "86400");
  co_await exchange.Send(std::move(response));
}

http::Task<void> Healthy(http::Exchange& exchange) {
  http::Response response = exchange.draining() ? DeliveryError(Unavailable("draining")) : http::Response::Text(200, "ok\n");
  response.headers.Set("Cache-Control", "no-store");
  co_await exchange.Send(std::move(response));
}

std::string Param(const http::Request& request, const char* name) {
  const auto found = request.params.find(name);
  return found == request.params.end() ? "" : found->second;
}

}  // namespace

Gateway::Gateway(GatewayOptions options, storage::ObjectStore& store, PresentationSource metadata, const Clock& clock,
                 obs::Metrics& metrics)
    : access_(std::move(options.tokens), clock),
      cache_(store, options.cache, clock, metrics),
      presentations_(std::move(metadata), options.presentations, clock),
      objects_(store, cache_, metrics),
      manifests_(presentations_, objects_, clock),
      server_(options.http, metrics) {
  AddRoutes();
}

Gateway::~Gateway() { Stop(std::chrono::milliseconds(0)); }

void Gateway::AddRoutes() {
  server_.OnResponse(AddCors);
  server_.Route("GET", "/healthz", Healthy);
  for (const char* pattern : {"/v/{video_id}/{rest*}", "/t/{token}/v/{video_id}/{rest*}"}) {
    server_.Route("GET", pattern, [this](http::Exchange& exchange) { return Deliver(*this, exchange); });
    server_.Route("OPTIONS", pattern, Preflight);
  }
}

Status Gateway::Start() { return server_.Start(); }

void Gateway::Stop(std::chrono::milliseconds budget) {
  server_.Shutdown(budget);
  // Before the server's threads go: what they wait for must have come or failed.
  cache_.Stop();
  presentations_.Stop();
}

http::Task<void> Gateway::Deliver(Gateway& self, http::Exchange& exchange) {
  const std::string video_id = Param(exchange.request(), "video_id");
  const auto path = ParseObjectPath(Param(exchange.request(), "rest"));
  Status refused = absl::OkStatus();
  if (!IsId(video_id) || !path) {
    refused = NotFound("no such object");
  } else {
    refused = self.access_.Check(exchange.request(), video_id);
  }
  if (!refused.ok()) {
    http::Response response = DeliveryError(refused);
    co_await exchange.Send(std::move(response));
    co_return;
  }
  co_await self.Admitted(exchange, video_id, *path);
}

http::Task<void> Gateway::Admitted(http::Exchange& exchange, const std::string& video_id, const ObjectPath& path) {
  const bool shared = !access_.required();
  if (path.kind != ObjectKind::kSegment && path.kind != ObjectKind::kPicture) {
    std::string suffix = access_.UriSuffix(exchange.request());
    co_await manifests_.Serve(exchange, video_id, path, std::move(suffix), shared);
    co_return;
  }
  ObjectRequest wanted;
  wanted.content_type = path.content_type;
  if (path.kind == ObjectKind::kSegment) {
    // No question to metadata here: what is published plays on while metadata is away.
    wanted.key = ObjectKey(video_id, path);
    wanted.cache_control = CacheControl(Freshness::kImmutable, shared);
  } else {
    wanted.key = co_await manifests_.PictureKey(video_id, path);
    wanted.cache_control = CacheControl(Freshness::kFinal, shared);
  }
  co_await objects_.Serve(exchange, std::move(wanted));
}

}  // namespace vora::gateway
