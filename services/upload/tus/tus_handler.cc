#include "services/upload/tus/tus_handler.h"

#include "libs/core/error.h"
#include "libs/core/ids.h"
#include "services/upload/tus/tus_response.h"

namespace vora::upload {
namespace {

using http::Exchange;
using http::Response;
using http::Task;

// How a request's body came to its end.
struct BodyEnd {
  Ending ending = Ending::kEndOfBody;
  Status refusal;  // instead of an acknowledgement
};

Status Draining() {
  return MakeError(errors::kDraining, "the server is restarting; resume at the offset HEAD shows", {.retry_after = kRetryAfterSeconds});
}

Status Overloaded() {
  return MakeError(errors::kTooManyUploads, "as many uploads as allowed are being received; try again",
                   {.retry_after = kRetryAfterSeconds});
}

BodyEnd BrokenBody(const Status& status) {
  if (status.code() == StatusCode::kInvalidArgument) return {Ending::kBroken, status};
  return {Ending::kBroken, MakeError(errors::kRequestTimeout, "the body stopped before its end; resume at the offset HEAD shows")};
}

// Moves the body into the session. The next part is received while the one before is on its way into the store.
Task<BodyEnd> ReceiveBody(Exchange& exchange, UploadEngine& engine, UploadSession& session) {
  for (;;) {
    // Asked before every read, so that a client that goes on sending does not hold up a shutdown.
    if (exchange.draining() || engine.draining()) co_return BodyEnd{Ending::kBroken, Draining()};
    UploadSession::Window window = session.Reserve();
    if (window.space.empty()) {
      if (session.TryAdvance()) continue;
      auto advance = [&session] { return session.Advance(); };
      const Status advanced = co_await exchange.Blocking(advance);
      if (!advanced.ok()) co_return BodyEnd{Ending::kBroken, RefusalOf(advanced)};
      continue;
    }
    StatusOr<size_t> read = co_await exchange.ReadBody(window.space);
    if (!read.ok()) co_return BrokenBody(read.status());
    if (*read == 0) co_return BodyEnd{};
    Status committed = session.Commit(*read);
    if (committed.code() == StatusCode::kOutOfRange) {
      co_return BodyEnd{Ending::kDiscard, MakeError(errors::kBodyTooLong, Message(committed), {.field = "Upload-Length"})};
    }
    if (!committed.ok()) co_return BodyEnd{Ending::kBroken, engine.draining() ? Draining() : RefusalOf(committed)};
  }
}

}  // namespace

// One of the `max_active` places for requests that hold buffers.
struct TusHandler::Slot {
  // Counted before it is judged, so that two requests cannot both take the last place.
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
  } else if (const Status version = CheckVersion(request.headers); !version.ok()) {
    response = Refuse(version);
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
    response = Refuse(MakeError(errors::kMethodNotAllowed, "tus knows no " + method + " here"));
    response.headers.Set("Allow", one ? "HEAD, PATCH, DELETE, OPTIONS" : "POST, OPTIONS");
  }
  (void)co_await exchange.Send(std::move(response));  // a client that has gone away learns it from HEAD
}

Task<Response> TusHandler::Create(Exchange& exchange) {
  const http::Request& request = exchange.request();
  StatusOr<CreateRequest> parsed = ParseCreate(request.headers, request.content_length, engine_.max_bytes());
  if (!parsed.ok()) co_return Refuse(parsed.status());
  const CreateRequest& create = *parsed;

  auto work = [&] { return engine_.Create(create, request.caller, request.trace.ToTraceparent()); };
  const StatusOr<UploadDoc> created = co_await exchange.Blocking(work);
  if (!created.ok()) co_return Refuse(created.status());
  UploadDoc doc = *created;
  const std::string location = LocationOf(request.headers, options_.public_url, options_.base_path + "/" + doc.upload_id);
  if (!create.has_body) co_return CreatedResponse(doc, location, false);

  PatchRequest patch;
  patch.checksum = create.checksum;
  StatusOr<UploadDoc> received = co_await Receive(exchange, doc.upload_id, patch);
  if (!received.ok()) {
    // The upload exists: the client may go on with it instead of starting anew.
    Response refused = Refuse(received.status());
    refused.headers.Set("Location", location);
    co_return refused;
  }
  co_return CreatedResponse(*received, location, true);
}

Task<Response> TusHandler::Patch(Exchange& exchange, std::string upload_id) {
  StatusOr<PatchRequest> parsed = ParsePatch(exchange.request().headers, engine_.max_bytes());
  if (!parsed.ok()) co_return Refuse(parsed.status());
  StatusOr<UploadDoc> received = co_await Receive(exchange, std::move(upload_id), *parsed);
  if (!received.ok()) co_return Refuse(received.status());
  co_return PatchedResponse(*received);
}

Task<StatusOr<UploadDoc>> TusHandler::Receive(Exchange& exchange, std::string upload_id, PatchRequest patch) {
  const http::Request& request = exchange.request();
  Slot slot(*this);
  if (!slot.taken) co_return Overloaded();
  if (engine_.draining()) co_return Draining();

  auto begin = [&] { return engine_.Begin(request.caller, upload_id, patch, request.content_length); };
  StatusOr<Receiving> begun = co_await exchange.Blocking(begin);
  if (!begun.ok()) co_return begun.status();
  Receiving& receiving = *begun;

  BodyEnd end;
  if (receiving.session) end = co_await ReceiveBody(exchange, engine_, *receiving.session);
  auto finish = [&] { return engine_.End(receiving, end.ending); };
  // Also after a refusal: what arrived is kept or dropped, as the ending says.
  StatusOr<UploadDoc> ended = co_await exchange.Blocking(finish);
  if (!end.refusal.ok()) co_return end.refusal;
  co_return ended;
}

Task<Response> TusHandler::Head(Exchange& exchange, std::string upload_id) {
  auto work = [&] { return engine_.Look(exchange.request().caller, upload_id); };
  const StatusOr<UploadDoc> looked = co_await exchange.Blocking(work);
  if (!looked.ok()) co_return Refuse(looked.status());
  co_return HeadResponse(*looked);
}

Task<Response> TusHandler::Terminate(Exchange& exchange, std::string upload_id) {
  auto work = [&] { return engine_.Terminate(exchange.request().caller, upload_id); };
  const Status terminated = co_await exchange.Blocking(work);
  if (!terminated.ok()) co_return Refuse(RefusalOf(terminated));
  co_return Response::Empty(204);
}

}  // namespace vora::upload
