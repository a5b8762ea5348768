// From a parsed head to its handler, and what a handler may wait for.

#include <sys/socket.h>

#include <algorithm>

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/core/error.h"
#include "libs/http/message/target.h"
#include "libs/http/server/authorize_internal.h"
#include "libs/http/server/connection_internal.h"
#include "libs/http/server/server_span.h"
#include "libs/log/log.h"

namespace vora::http {
namespace {

enum class Ran { kYes, kThrew, kRefused };

// Resumes on the caller's executor once `work` has run in `pool`, or at once when the pool is full.
Task<Ran> RunIn(ThreadPool& pool, std::function<void()> work) {
  // A name of its own: g++ 12.2 destroys the captures of a lambda inside a co_await expression twice.
  auto initiation = [&pool, &work](auto handler) {
    using HandlerType = decltype(handler);
    auto executor = asio::get_associated_executor(handler);
    // The handler can only be moved, and std::function wants to copy.
    auto shared = std::make_shared<HandlerType>(std::move(handler));
    // While the job is in the pool nothing else may keep the io_context running.
    auto guard = asio::make_work_guard(executor);
    auto resume = [shared, executor](Ran ran) {
      asio::post(executor, [inner = std::move(*shared), ran]() mutable { std::move(inner)(ran); });
    };
    auto job = [resume, guard, job_work = work] {
      Ran ran = Ran::kYes;
      try {
        job_work();
      } catch (const std::exception& e) {
        log::Error("blocking work of an http handler failed", {{"error", e.what()}});
        ran = Ran::kThrew;
      } catch (...) {
        log::Error("blocking work of an http handler failed", {{"error", "unknown exception"}});
        ran = Ran::kThrew;
      }
      resume(ran);
    };
    // Posted like the other results: an initiation must not call its handler before it returns.
    if (!pool.TrySubmit(std::move(job))) resume(Ran::kRefused);
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Ran)>(initiation, asio::use_awaitable);
}

std::string Join(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
  return out;
}

}  // namespace

Task<Status> Connection::RunBlocking(std::function<void()> work) {
  const Ran ran = co_await RunIn(*server_.pool, std::move(work));
  if (ran == Ran::kRefused) co_return MakeError(errors::kOverloaded, "the server is overloaded");
  if (ran == Ran::kThrew) co_return Internal("blocking work failed");
  co_return absl::OkStatus();
}

Task<Status> Connection::Sleep(std::chrono::milliseconds time) {
  if (server_.draining) co_return Cancelled("the server drains");
  WatchForGone();
  if (gone_ || closed_) co_return Cancelled("the client went away");
  sleep_.expires_after(time);
  error_code error;
  co_await sleep_.async_wait(asio::redirect_error(asio::use_awaitable, error));
  if (server_.draining) co_return Cancelled("the server drains");
  if (gone_ || closed_) co_return Cancelled("the client went away");
  co_return absl::OkStatus();
}

// Becomes readable when the client closes or resets; also when it pipelines, which ends the watch.
void Connection::WatchForGone() {
  if (gone_watch_armed_ || !BodyEnded()) return;
  gone_watch_armed_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_read, [self = shared_from_this()](const error_code& error) {
    self->gone_watch_armed_ = false;
    if (self->closed_ || error) return;
    char byte = 0;
    // A look without taking: the bytes belong to the next request.
    const ssize_t peeked = ::recv(self->socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (peeked > 0 || (peeked < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))) return;
    self->gone_ = true;
    self->keep_alive_ = false;
    self->sleep_.cancel();
  });
}

Task<void> Connection::Handle() {
  const auto began = std::chrono::steady_clock::now();
  const auto began_at = std::chrono::system_clock::now();
  server_.metrics.Began();
  co_await Dispatch();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  server_.metrics.Ended(request_.method, route_, status_, seconds);
  // Now, and not with the next request: idle connections of a proxy must not keep a client's places.
  request_slot_.Release();
  LogAccess(seconds);
  RecordServerSpan(request_, route_, LoggedPath(), status_, began_at);
  // A response that was begun and not ended must not look complete: only the end of the connection tells.
  if (phase_ == Phase::kStreaming || (phase_ == Phase::kDone && framing_ == Framing::kLength && response_left_ > 0)) Close();
}

std::optional<Response> Connection::OverLimit() {
  request_.client = remote_;
  std::shared_ptr<ClientLimits::Client> client = client_;
  const auto now = std::chrono::steady_clock::now();
  if (peer_trusted_) {
    const std::string forwarded = request_.headers.Joined("X-Forwarded-For");
    if (forwarded.empty()) return std::nullopt;
    const Address address = ClientAddress(peer_, forwarded, server_.trusted);
    request_.client = address.Text();
    if (!server_.limits.enabled() || HeldByAny(server_.trusted, address)) return std::nullopt;
    client = server_.limits.Find(address, now);
    // Its connections are the proxy's: what it has at a time are requests.
    if (!server_.limits.Enter(client, request_slot_)) {
      CountRefusal(Reason::kClientConnections);
      return ErrorResponse(ResourceExhausted("too many requests of this address at a time"));
    }
  }
  if (!client) return std::nullopt;
  const ClientLimits::Verdict verdict = server_.limits.TakeRequest(*client, now);
  if (verdict.wait_seconds == 0) return std::nullopt;
  CountRefusal(Reason::kClientRequests);
  Response refusal =
      ErrorResponse(ResourceExhausted("too many requests from this address; try again in " + std::to_string(verdict.wait_seconds) + " s"));
  refusal.headers.Set("Retry-After", std::to_string(verdict.wait_seconds));
  // A proxy's connection also carries the requests of others.
  if (verdict.hang_up && !peer_trusted_) refusal.headers.Set("Connection", "close");
  return refusal;
}

Task<void> Connection::Dispatch() {
  // The limit first, so that guessed paths and tokens count as well.
  std::optional<Response> over = OverLimit();
  if (over) {
    route_ = "limited";
    co_await Send(std::move(*over));
    co_return;
  }
  StatusOr<Target> target = ParseTarget(request_.target);
  if (!target.ok()) {
    Response refusal = ErrorResponse(target.status());
    co_await Send(std::move(refusal));
    co_return;
  }
  request_.path = std::move(target->path);
  request_.raw_path = std::move(target->raw_path);
  request_.query = std::move(target->query);
  Router::Match match = server_.router.Find(request_.method, target->segments);
  route_ = "unmatched";
  if (match.kind == Router::Match::Kind::kFound) {
    const ServerContext::RouteEntry& entry = server_.routes[match.index];
    route_ = entry.pattern;
    request_.params = std::move(match.params);
    std::optional<Response> refusal = Authorize(server_.authorizer, entry.scope, request_);
    if (refusal) {
      co_await Send(std::move(*refusal));
    } else {
      co_await Run(entry.handler);
    }
    co_return;
  }
  Response answer = ErrorResponse(NotFound("there is nothing at this path"));
  if (match.kind == Router::Match::Kind::kOtherMethod) {
    request_.params = std::move(match.params);  // so that the log leaves out what it must not hold
    const bool options = request_.method == "OPTIONS";
    if (options) match.allowed.emplace_back("OPTIONS");
    answer =
        options ? Response::Empty(204) : ErrorResponse(errors::kMethodNotAllowed, "this path does not know the method " + request_.method);
    answer.headers.Set("Allow", Join(match.allowed));
  }
  co_await Send(std::move(answer));
}

Task<void> Connection::Run(const Handler& handler) {
  // Kept for after the catch block: co_await is not allowed inside one.
  std::string failure;
  try {
    co_await handler(*this);
  } catch (const std::exception& e) {
    failure = e.what();
  }
  if (failure.empty() && phase_ != Phase::kNotStarted) co_return;
  if (gone_ || closed_) co_return;
  const obs::TraceScope scope(request_.trace);
  log::Error("http handler failed", {{"route", route_}, {"error", failure.empty() ? "the handler sent no response" : failure}});
  if (phase_ != Phase::kNotStarted) co_return;
  Response fault = ErrorResponse(Internal("handler failed"));
  co_await Send(std::move(fault));
}

const std::string& Connection::LoggedPath() const {
  const auto& hidden = server_.options.private_params;
  const bool open = std::none_of(hidden.begin(), hidden.end(), [&](const std::string& name) { return request_.params.contains(name); });
  return open ? request_.path : route_;
}

void Connection::LogAccess(double seconds) const {
  const obs::TraceScope scope(request_.trace);
  const log::Fields fields = {{"method", request_.method}, {"path", LoggedPath()}, {"route", route_},
                              {"status", status_},         {"seconds", seconds},   {"remote", LoggedRemote()}};
  if (status_ >= 500) {
    log::Warn("http request", fields);
  } else {
    log::Debug("http request", fields);
  }
}

}  // namespace vora::http
