#include "services/streaming-gateway/gateway_app.h"

#include <exception>
#include <utility>

#include "libs/core/ids.h"
#include "libs/layout/delivery_path.h"
#include "services/streaming-gateway/objects/reply.h"
#include "services/streaming-gateway/records/recorded_exchange.h"

namespace vora::gateway {
namespace {

constexpr std::chrono::milliseconds kLastRecords{1000};

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
  response.headers.Set("Access-Control-Allow-Headers",
                       "CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status, If-None-Match, If-Range, Range, traceparent");
  response.headers.Set("Access-Control-Max-Age", "86400");
  co_await exchange.Send(std::move(response));
}

http::Task<void> Healthy(http::Exchange& exchange) {
  http::Response response = exchange.draining() ? DeliveryError(Unavailable("draining")) : http::Response::Text(200, "ok\n");
  response.headers.Set("Cache-Control", "no-store");
  co_await exchange.Send(std::move(response));
}

// For the edge: may this token play this video, and for how long is that true? Whoever is not the edge is told nothing.
http::Response VerdictOn(const Access& access, const http::Request& request, const std::string& video_id) {
  // Whether a token is good is told to nobody who could try tokens out.
  if (access.required() && !access.IsEdge(request)) return DeliveryError(NotFound("no such object"));
  const auto verdict = access.Judge(request, video_id);
  if (!verdict.ok()) return DeliveryError(verdict.status());
  http::Response response = http::Response::Empty(204);
  if (!access.required()) response.headers.Set("X-Vora-Tokens", "off");
  response.headers.Set("Cache-Control", "private, max-age=" + std::to_string(verdict->fresh.count()) +
                                            ", stale-if-error=" + std::to_string(verdict->stale.count()));
  return response;
}

std::string Param(const http::Request& request, const char* name) {
  const auto found = request.params.find(name);
  return found == request.params.end() ? "" : found->second;
}

http::ServerOptions HttpOf(http::ServerOptions options) {
  options.private_params.push_back("token");
  return options;
}

}  // namespace

GatewayApp::GatewayApp(GatewayOptions options, storage::ObjectStore& store, PresentationSource metadata, const Clock& clock,
                       obs::Metrics& metrics)
    : clock_(clock),
      access_(std::move(options.tokens), clock, std::move(options.edge)),
      cache_(store, options.cache, clock, metrics),
      presentations_(std::move(metadata), options.presentations, clock),
      objects_(store, cache_, metrics),
      manifests_(presentations_, objects_, clock),
      deliveries_(std::move(options.deliveries), metrics),
      server_(HttpOf(options.http), metrics) {
  AddRoutes();
}

GatewayApp::~GatewayApp() { Stop(std::chrono::milliseconds(0)); }

void GatewayApp::AddRoutes() {
  server_.OnResponse(AddCors);
  server_.Route("GET", "/healthz", Healthy);
  server_.Route("GET", "/_token/{video_id}", [this](http::Exchange& exchange) -> http::Task<void> {
    http::Response response = VerdictOn(access_, exchange.request(), Param(exchange.request(), "video_id"));
    co_await exchange.Send(std::move(response));
  });
  // So that the log has the pattern, and not the token, of a path that is mistyped after it.
  for (const char* pattern : {"/t/{token}", "/t/{token}/{rest*}"}) {
    server_.Route("GET", pattern, [](http::Exchange& exchange) -> http::Task<void> {
      http::Response response = DeliveryError(NotFound("no such object"));
      co_await exchange.Send(std::move(response));
    });
  }
  for (const char* pattern : {"/v/{video_id}/{rest*}", "/t/{token}/v/{video_id}/{rest*}"}) {
    server_.Route("GET", pattern, [this](http::Exchange& exchange) { return Deliver(*this, exchange); });
    server_.Route("OPTIONS", pattern, Preflight);
  }
}

Status GatewayApp::Start() { return server_.Start(); }

void GatewayApp::Stop(std::chrono::milliseconds budget) {
  server_.Shutdown(budget);
  // Before the server's threads go: what they wait for must have come or failed.
  cache_.Stop();
  presentations_.Stop();
  deliveries_.Stop(kLastRecords);
}

http::Task<void> GatewayApp::Deliver(GatewayApp& self, http::Exchange& exchange) {
  const std::string video_id = Param(exchange.request(), "video_id");
  const auto path = layout::ParseDeliveryPath(Param(exchange.request(), "rest"));
  if (!IsId(video_id) || !path) {
    http::Response response = DeliveryError(NotFound("no such object"));
    co_await exchange.Send(std::move(response));
  } else if (self.deliveries_.enabled()) {
    co_await DeliverRecorded(self, exchange, video_id, *path);
  } else {
    Provenance unrecorded;
    co_await self.Answer(exchange, video_id, *path, unrecorded);
  }
}

http::Task<void> GatewayApp::DeliverRecorded(GatewayApp& self, http::Exchange& exchange, const std::string& video_id,
                                             const layout::DeliveryPath& path) {
  RecordedExchange recorded(exchange);
  Observed observed{.time = self.clock_.Now()};
  const auto began = std::chrono::steady_clock::now();
  // Recorded also when it throws; what was thrown goes on to the server below.
  std::exception_ptr failure;
  try {
    co_await self.Answer(recorded, video_id, path, observed.provenance);
  } catch (...) {
    failure = std::current_exception();
  }
  observed.total = std::chrono::steady_clock::now() - began;
  observed.bytes = recorded.bytes();
  // The server answers 500 for a handler that sent nothing.
  observed.status = recorded.status() == 0 ? 500 : recorded.status();
  if (auto delivery = DeliveryOf(exchange.request(), video_id, path, observed, self.deliveries_.slow_origin())) {
    self.deliveries_.Add(*std::move(delivery));
  }
  if (failure) std::rethrow_exception(failure);
}

http::Task<void> GatewayApp::Answer(http::Exchange& exchange, const std::string& video_id, const layout::DeliveryPath& path,
                                    Provenance& provenance) {
  const Status refused = access_.Check(exchange.request(), video_id);
  if (!refused.ok()) {
    http::Response response = DeliveryError(refused);
    co_await exchange.Send(std::move(response));
    co_return;
  }
  const bool shared = !access_.required();
  const bool download = path.kind == layout::ObjectKind::kDownload;
  if (path.kind != layout::ObjectKind::kSegment && path.kind != layout::ObjectKind::kPart && !download) {
    std::string suffix = access_.UriSuffix(exchange.request());
    co_await manifests_.Serve(exchange, video_id, path, std::move(suffix), shared, provenance);
    co_return;
  }
  ObjectRequest wanted;
  wanted.content_type = path.content_type;
  if (path.kind == layout::ObjectKind::kSegment) {
    // No question to metadata here: what is published plays on while metadata is away.
    wanted.key = layout::ObjectKey(video_id, path);
    wanted.cache_control = CacheControl(Freshness::kImmutable, shared);
  } else {
    wanted.key = co_await manifests_.PictureKey(video_id, path);
    wanted.cache_control = CacheControl(Freshness::kFinal, shared);
    wanted.past_cache = download;
  }
  co_await objects_.Serve(exchange, std::move(wanted), provenance);
}

}  // namespace vora::gateway
