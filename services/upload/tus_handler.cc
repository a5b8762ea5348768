#include "services/upload/tus_handler.h"

#include "libs/core/ids.h"
#include "libs/obs/trace.h"
#include "services/upload/tus_response.h"

namespace vora::upload {
namespace {

using http::Exchange;
using http::Response;
using http::Task;

// How a request's body came to its end.
struct BodyEnd {
  Ending ending = Ending::kEndOfBody;
  std::optional<TusError> refusal;  // instead of an acknowledgement
};

TusError Draining() { return {503, "DRAINING", "the server is restarting; resume at the offset HEAD shows"}; }

TusError Overloaded() { return {503, "TOO_MANY_UPLOADS", "as many uploads as allowed are being received; try again"}; }

BodyEnd BrokenBody(const Status& status) {
  if (status.code() == StatusCode::kInvalidArgument) return {Ending::kBroken, TusError{400, "INVALID_ARGUMENT", Message(status)}};
  return {Ending::kBroken, TusError{408, "REQUEST_TIMEOUT", "the body stopped before its end; resume at the offset HEAD shows"}};
}

// Moves the body into the session. The next part is received while the one before is on its way into the store.
Task<BodyEnd> ReceiveBody(Exchange& exchange, UploadEngine& engine, UploadSession& session) {
  for (;;) {
    if (exchange.draining() || engine.draining()) co_return BodyEnd{Ending::kBroken, Draining()};
    UploadSession::Window window = session.Reserve();
    if (window.space.empty()) {
      if (session.TryAdvance()) continue;
      Status advanced;
      std::function<void()> advance = [&session, &advanced] { advanced = session.Advance(); };
      Status ran = co_await exchange.RunBlocking(advance);
      if (!ran.ok()) co_return BodyEnd{Ending::kBroken, Overloaded()};
      if (!advanced.ok()) co_return BodyEnd{Ending::kBroken, RefusalOf(advanced)};
      continue;
    }
    StatusOr<size_t> read = co_await exchange.ReadBody(window.space);
    if (!read.ok()) co_return BrokenBody(read.status());
    if (*read == 0) co_return BodyEnd{};
    Status committed = session.Commit(*read);
    if (committed.code() == StatusCode::kOutOfRange) {
      co_return BodyEnd{Ending::kDiscard, TusError{413, "BODY_TOO_LONG", Message(committed), "Upload-Length"}};
    }
    if (!committed.ok()) co_return BodyEnd{Ending::kBroken, engine.draining() ? Draining() : RefusalOf(committed)};
  }
}

}  // namespace

// One of the `max_active` places for requests that hold buffers.
struct TusHandler::Slot {
  explicit Slot(TusHandler& handler) : owner(handler), taken(++handler.active_ <= handler.options_.max_active) {
    if (taken) owner.metrics_.active.Add(1);
  }
  ~Slot() {
    --owner.active_;
    if (taken) owner.metrics_.active.Add(-1);
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  TusHandler& owner;
  const bool taken;
};

void TusHandler::Mount(http::Server& server) {
  auto dispatch = [this](Exchange& exchange) { return Dispatch(exchange); };
  for (const std::string& pattern : {options_.base_path, options_.base_path + "/{id}"}) {
    // OPTIONS, which browsers ask without credentials, must not be a route of its own: without a scope it would let in whoever makes
    // another method of it by X-HTTP-Method-Override.
    server.Route("*", pattern, dispatch, Scope::kUpload);
  }
  server.OnResponse([this](const http::Request& request, Response& head) { Decorate(request, head); });
}

void TusHandler::Decorate(const http::Request& request, Response& response) const {
  AddStandingHeaders(request.headers.GetOr("Origin", ""), options_.cors_origins, response);
}

Task<void> TusHandler::Dispatch(Exchange& exchange) {
  const http::Request& request = exchange.request();
  const std::string method = EffectiveMethod(request.method, request.headers);
  const auto bound = request.params.find("id");
  const bool one = bound != request.params.end();
  const std::string id = one ? bound->second : std::string();
  Response response;
  if (method == "OPTIONS") {
    response = OptionsResponse(engine_.max_bytes());
  } else if (std::optional<TusError> version = CheckVersion(request.headers)) {
    response = Refuse(*version);
  } else if (one && !IsId(id)) {
    response = Refuse(RefusalOf(NotFound(id)));
  } else if (!one && method == "POST") {
    response = co_await Create(exchange);
  } else if (one && method == "PATCH") {
    response = co_await Patch(exchange, id);
  } else if (one && method == "HEAD") {
    response = co_await Head(exchange, id);
  } else if (one && method == "DELETE") {
    response = co_await Terminate(exchange, id);
  } else {
    response = Refuse({405, "METHOD_NOT_ALLOWED", "tus knows no " + method + " here"});
    response.headers.Set("Allow", one ? "HEAD, PATCH, DELETE, OPTIONS" : "POST, OPTIONS");
  }
  (void)co_await exchange.Send(std::move(response));  // a client that has gone away learns it from HEAD
}

Task<Response> TusHandler::Create(Exchange& exchange) {
  const http::Request& request = exchange.request();
  Parsed<CreateRequest> parsed = ParseCreate(request.headers, request.content_length, engine_.max_bytes());
  if (const TusError* error = ErrorOf(parsed)) co_return Refuse(*error);
  const CreateRequest& create = std::get<CreateRequest>(parsed);

  Parsed<UploadDoc> created;
  std::function<void()> work = [&] {
    obs::TraceScope trace(request.trace);
    created = engine_.Create(create, request.caller, request.trace.ToTraceparent());
  };
  Status ran = co_await exchange.RunBlocking(work);
  if (!ran.ok()) co_return Refuse(Overloaded());
  if (const TusError* error = ErrorOf(created)) co_return Refuse(*error);
  UploadDoc doc = std::get<UploadDoc>(created);
  const std::string location = LocationOf(request.headers, options_.public_url, options_.base_path + "/" + doc.upload_id);
  if (!create.has_body) co_return CreatedResponse(doc, location, false);

  PatchRequest patch;
  patch.checksum = create.checksum;
  Parsed<UploadDoc> received = co_await Receive(exchange, doc.upload_id, patch);
  if (const TusError* error = ErrorOf(received)) {
    // The upload exists: the client may go on with it instead of starting anew.
    Response refused = Refuse(*error);
    refused.headers.Set("Location", location);
    co_return refused;
  }
  co_return CreatedResponse(std::get<UploadDoc>(received), location, true);
}

Task<Response> TusHandler::Patch(Exchange& exchange, std::string upload_id) {
  Parsed<PatchRequest> parsed = ParsePatch(exchange.request().headers, engine_.max_bytes());
  if (const TusError* error = ErrorOf(parsed)) co_return Refuse(*error);
  Parsed<UploadDoc> received = co_await Receive(exchange, std::move(upload_id), std::get<PatchRequest>(parsed));
  if (const TusError* error = ErrorOf(received)) co_return Refuse(*error);
  co_return PatchedResponse(std::get<UploadDoc>(received));
}

Task<Parsed<UploadDoc>> TusHandler::Receive(Exchange& exchange, std::string upload_id, PatchRequest patch) {
  const http::Request& request = exchange.request();
  Slot slot(*this);
  if (!slot.taken) co_return Overloaded();
  if (engine_.draining()) co_return Draining();

  Parsed<Receiving> begun;
  std::function<void()> begin = [&] {
    obs::TraceScope trace(request.trace);
    begun = engine_.Begin(request.caller, upload_id, patch, request.content_length);
  };
  Status ran = co_await exchange.RunBlocking(begin);
  if (!ran.ok()) co_return Overloaded();
  if (const TusError* error = ErrorOf(begun)) co_return *error;
  Receiving& receiving = std::get<Receiving>(begun);

  BodyEnd end;
  if (receiving.session) end = co_await ReceiveBody(exchange, engine_, *receiving.session);
  Parsed<UploadDoc> ended;
  std::function<void()> finish = [&] {
    obs::TraceScope trace(request.trace);
    ended = engine_.End(receiving, end.ending);
  };
  ran = co_await exchange.RunBlocking(finish);
  if (!ran.ok()) co_return Overloaded();
  if (end.refusal) co_return *end.refusal;
  co_return ended;
}

Task<Response> TusHandler::Head(Exchange& exchange, std::string upload_id) {
  Parsed<UploadDoc> looked;
  std::function<void()> work = [&] {
    obs::TraceScope trace(exchange.request().trace);
    looked = engine_.Look(exchange.request().caller, upload_id);
  };
  Status ran = co_await exchange.RunBlocking(work);
  if (!ran.ok()) co_return Refuse(Overloaded());
  if (const TusError* error = ErrorOf(looked)) co_return Refuse(*error);
  co_return HeadResponse(std::get<UploadDoc>(looked));
}

Task<Response> TusHandler::Terminate(Exchange& exchange, std::string upload_id) {
  Status terminated;
  std::function<void()> work = [&] {
    obs::TraceScope trace(exchange.request().trace);
    terminated = engine_.Terminate(exchange.request().caller, upload_id);
  };
  Status ran = co_await exchange.RunBlocking(work);
  if (!ran.ok()) co_return Refuse(Overloaded());
  if (!terminated.ok()) co_return Refuse(RefusalOf(terminated));
  co_return Response::Empty(204);
}

}  // namespace vora::upload
