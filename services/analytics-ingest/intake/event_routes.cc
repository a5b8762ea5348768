#include "services/analytics-ingest/intake/event_routes.h"

#include <algorithm>

#include "libs/core/error.h"
#include "libs/http/server/signal.h"
#include "services/analytics-ingest/formats/cmcd_events.h"
#include "services/analytics-ingest/formats/json_events.h"
#include "services/analytics-ingest/intake/body_kind.h"
#include "services/analytics-ingest/intake/event_answer.h"
#include "services/analytics-ingest/intake/read_body.h"
#include "services/analytics-ingest/metrics.h"

namespace vora::analytics {
namespace {

constexpr int64_t kRetrySeconds = 1;
constexpr int64_t kClientPart = 4;
constexpr std::chrono::milliseconds kBodyPatience{10'000};

Status TryLater(Status why, int64_t seconds) { return WithDetail(std::move(why), {.retry_after = seconds}); }

StatusOr<cmcd::Cmcd> CmcdOf(const http::Request& request) {
  if (const auto query = request.Query("CMCD")) return cmcd::Parse(*query);
  const http::Headers& headers = request.headers;
  return cmcd::ParseHeaders(headers.GetOr("CMCD-Object", ""), headers.GetOr("CMCD-Request", ""), headers.GetOr("CMCD-Session", ""),
                            headers.GetOr("CMCD-Status", ""));
}

struct Durable {
  http::Signal signal;
  Status status;
};

}  // namespace

// Of the bytes in flight, while it lives. No client may have more than a part of them, so that a few slow ones cannot shut out the others.
class EventRoutes::Share {
 public:
  enum class Grant { kGiven, kClientHasTooMuch, kAllHaveTooMuch };

  Share(std::shared_ptr<InFlight> all, const Client& client, int64_t bytes, const EventRouteOptions& options)
      : all_(std::move(all)), client_(client.address), bytes_(bytes) {
    // Never less than one whole body, however small the limit.
    const int64_t part = std::max(options.max_body_bytes, options.max_bytes_in_flight / kClientPart);
    if (client_ && !all_->limits.TakeBytes(*client_, bytes_, part, std::chrono::steady_clock::now())) return;
    held_ = true;
    all_->gauge.Add(static_cast<double>(bytes_));
    // Added before it is judged, so that several at once cannot all find room; what was too much goes back with the share.
    const int64_t total = all_->bytes.fetch_add(bytes_) + bytes_;
    grant_ = total <= options.max_bytes_in_flight ? Grant::kGiven : Grant::kAllHaveTooMuch;
  }
  ~Share() {
    if (!held_) return;
    all_->bytes.fetch_sub(bytes_);
    all_->gauge.Add(-static_cast<double>(bytes_));
    if (client_) all_->limits.GiveBytes(*client_, bytes_);
  }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;
  Grant grant() const { return grant_; }

 private:
  const std::shared_ptr<InFlight> all_;
  const std::optional<Address> client_;
  const int64_t bytes_;
  bool held_ = false;
  Grant grant_ = Grant::kClientHasTooMuch;
};

EventRoutes::EventRoutes(EventRouteOptions options, ClientLimitOptions limits, Intake& intake, obs::Metrics& metrics)
    : options_(std::move(options)),
      cors_(options_.cors_origins),
      intake_(intake),
      in_flight_(std::make_shared<InFlight>(limits, kBytesInFlight.In(metrics))) {}

void EventRoutes::Mount(http::Server& server) {
  server.OnResponse([this](const http::Request& request, http::Response& head) {
    cors_.AddTo(request, head);
    head.headers.Set("Cache-Control", "no-store");
    head.headers.Set("Cross-Origin-Resource-Policy", "cross-origin");
    head.headers.Set("X-Content-Type-Options", "nosniff");
  });
  server.Route("POST", "/e", [this](http::Exchange& exchange) { return Post(*this, exchange); });
  server.Route("GET", "/e", [this](http::Exchange& exchange) { return Get(*this, exchange); });
  server.Route("OPTIONS", "/e", [this](http::Exchange& exchange) -> http::Task<void> {
    http::Response response = cors_.Preflight();
    co_await exchange.Send(std::move(response));
  });
}

EventRoutes::Client EventRoutes::ClientOf(const http::Request& request) const {
  Client client;
  client.address = ParseAddress(request.client);
  if (client.address) client.network = client.address->Network();
  return client;
}

Status EventRoutes::Admit(const Client& client) {
  if (const Status health = intake_.Health(); !health.ok()) {
    intake_.CountRejected(Refusal::kSpool, 1);
    return TryLater(Unavailable("events cannot be taken in now: " + Message(health)), kRetrySeconds);
  }
  const int64_t wait = client.address ? in_flight_->limits.TakeRequest(*client.address, std::chrono::steady_clock::now()) : 0;
  if (wait == 0) return {};
  intake_.CountRejected(Refusal::kRateLimit, 1);
  return TryLater(ResourceExhausted("too many requests or events from this address; try again in " + std::to_string(wait) + " s"), wait);
}

Status EventRoutes::TakeEvents(const Client& client, int64_t events) {
  const int64_t wait = client.address ? in_flight_->limits.TakeEvents(*client.address, events, std::chrono::steady_clock::now()) : 0;
  if (wait == 0) return {};
  intake_.CountRejected(Refusal::kRateLimit, events);
  return TryLater(ResourceExhausted("too many events from this address; try again in " + std::to_string(wait) + " s"), wait);
}

http::Task<void> EventRoutes::Post(EventRoutes& self, http::Exchange& exchange) {
  const Client client = self.ClientOf(exchange.request());
  const Status admitted = self.Admit(client);
  std::optional<http::Response> answer;
  if (admitted.ok()) {
    answer = co_await self.Receive(exchange, client);
  } else {
    answer = http::ErrorResponse(admitted);
  }
  if (answer) co_await exchange.Send(*std::move(answer));
}

// For players that can only fetch: a pixel.
http::Task<void> EventRoutes::Get(EventRoutes& self, http::Exchange& exchange) {
  const Client client = self.ClientOf(exchange.request());
  Status admitted = self.Admit(client);
  if (admitted.ok() && !CarriesCmcd(exchange.request())) {
    admitted = InvalidField("CMCD", "GET needs this query argument; events are sent with POST");
  }
  if (admitted.ok()) admitted = self.TakeEvents(client, 1);
  http::Response answer;
  if (admitted.ok()) {
    Batch batch = self.intake_.NewBatch(EventSource::kCmcd, client.network);
    AddCmcdRequest(CmcdOf(exchange.request()), batch);
    answer = co_await self.Record(std::move(batch), EventSource::kCmcd);
  } else {
    answer = http::ErrorResponse(admitted);
  }
  if (answer.status == 202) answer = http::Response::Empty(204);
  co_await exchange.Send(std::move(answer));
}

http::Task<std::optional<http::Response>> EventRoutes::Receive(http::Exchange& exchange, const Client& client) {
  const http::Request& request = exchange.request();
  const auto encoding = request.headers.Get("Content-Encoding");
  if (encoding && *encoding != "identity") {
    co_return http::ErrorResponse(errors::kUnsupportedMediaType, "compressed bodies are not read; send it as it is", "Content-Encoding");
  }
  // A body that does not say how long it is may become as long as any.
  const int64_t length = request.content_length.value_or(options_.max_body_bytes);
  const Share share(in_flight_, client, std::min(length, options_.max_body_bytes), options_);
  // What is too long is for the reader to refuse: it gets 413, which says that waiting does not help.
  if (length <= options_.max_body_bytes && share.grant() != Share::Grant::kGiven) {
    intake_.CountRejected(Refusal::kOverload, 1);
    const bool own = share.grant() == Share::Grant::kClientHasTooMuch;
    co_return http::ErrorResponse(TryLater(own ? ResourceExhausted("too many bodies at once from this address; try again")
                                               : Unavailable("the server is overloaded; try again"),
                                           kRetrySeconds));
  }
  StatusOr<std::string> body = co_await ReadWholeBody(exchange, static_cast<size_t>(options_.max_body_bytes), kBodyPatience);
  if (!body.ok()) {
    const StatusCode code = body.status().code();
    if (code == StatusCode::kUnavailable) co_return std::nullopt;  // the client is gone
    if (code == StatusCode::kDeadlineExceeded) co_return http::ErrorResponse(body.status());
    co_return http::ErrorResponse(Faulty(body.status()));
  }
  const bool cmcd =
      (body->empty() && CarriesCmcd(request)) || BodyKindOf(request.headers.GetOr("Content-Type", "")) == BodyKind::kCmcdEvents;
  const EventSource source = cmcd ? EventSource::kCmcd : EventSource::kJson;
  Batch batch = intake_.NewBatch(source, client.network);
  const Status read = Read(request, client, *body, batch);
  if (!read.ok()) co_return http::ErrorResponse(read);
  co_return co_await Record(std::move(batch), source);
}

Status EventRoutes::Read(const http::Request& request, const Client& client, std::string& body, Batch& batch) {
  if (body.empty() && CarriesCmcd(request)) {
    VORA_RETURN_IF_ERROR(TakeEvents(client, 1));
    AddCmcdRequest(CmcdOf(request), batch);
    return {};
  }
  if (body.find_first_not_of(" \t\r\n") == std::string::npos) return Faulty(InvalidArgument("the body is empty"));
  const BodyKind kind = BodyKindOf(request.headers.GetOr("Content-Type", ""));
  Status status;
  switch (kind) {
    case BodyKind::kUnknown:
      return MakeError(errors::kUnsupportedMediaType, std::string("the Content-Type must be one of ") + kKnownTypes,
                       {.field = "Content-Type"});
    case BodyKind::kCmcdEvents:
      // Before they are read: reading changes what is known of their sessions.
      VORA_RETURN_IF_ERROR(TakeEvents(client, std::count(body.begin(), body.end(), '\n') + (body.ends_with('\n') ? 0 : 1)));
      return Faulty(AddCmcdEvents(body, options_.max_events, intake_.cmcd_sessions(), batch));
    case BodyKind::kJsonLines:
      status = ReadJsonLines(body, options_.max_events, batch);
      break;
    case BodyKind::kJson:
      status = ReadJsonEvents(body, options_.max_events, batch);
      break;
  }
  if (status.ok() && batch.seen() == 0) status = InvalidField("events", "there is none");
  if (!status.ok()) return Faulty(std::move(status));
  // Their number is known only now, and nothing has been kept so far.
  return TakeEvents(client, batch.seen());
}

Status EventRoutes::Faulty(Status fault) {
  if (!fault.ok()) intake_.CountRejected(fault.code() == StatusCode::kOutOfRange ? Refusal::kTooLarge : Refusal::kMalformed, 1);
  return fault;
}

http::Task<http::Response> EventRoutes::Record(Batch batch, EventSource source) {
  intake_.CountRejected(Refusal::kInvalid, batch.rejected());
  // Shared, since the spool may answer when this coroutine is gone with the server.
  const auto durable = std::make_shared<Durable>();
  auto done = [durable](const Status& status) {
    durable->status = status;
    durable->signal.Fire();
  };
  intake_.Submit(batch, source, std::move(done));
  co_await durable->signal.Wait();
  if (durable->status.ok()) co_return AnswerOf(batch);
  // More rows than the spool ever takes at once: no repetition helps.
  if (durable->status.code() == StatusCode::kInvalidArgument) co_return http::ErrorResponse(durable->status);
  intake_.CountRejected(Refusal::kSpool, batch.accepted());
  co_return http::ErrorResponse(TryLater(Unavailable("events cannot be taken in now: " + Message(durable->status)), kRetrySeconds));
}

}  // namespace vora::analytics
