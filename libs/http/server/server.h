#pragma once

// An HTTP/1.1 server: connections are coroutines on a few I/O threads, blocking work runs in a sized pool. Each request gets
// a trace context, a JSON access log line (debug level; warn for 5xx), RED metrics by route pattern, and limits on header size and idle
// time.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "libs/core/caller.h"
#include "libs/core/status.h"
#include "libs/http/message/message.h"
#include "libs/obs/metrics.h"
#include "libs/obs/trace.h"
#include "libs/run/thread_pool.h"
#include "libs/settings/settings.h"

namespace vora::http {

template <typename T>
using Task = boost::asio::awaitable<T>;

// One request and its response, on the connection's coroutine. Not thread-safe; do not keep it after the handler ends.
// g++ 12 destroys captures twice when a capturing lambda stands inside a co_await expression: name it first.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const Request& request() const = 0;

  // Reads up to buffer.size() body bytes; 0 at the end. Answers `Expect: 100-continue` before the first read.
  // UNAVAILABLE when the client went away, errors::kRequestTimeout when it sent nothing for the idle timeout, or too slowly. Bytes that
  // arrived before the failure have been returned by earlier calls.
  virtual Task<StatusOr<size_t>> ReadBody(std::span<char> buffer) = 0;
  // The whole body; PayloadTooLarge(limit) when it is longer.
  virtual Task<StatusOr<std::string>> ReadBodyAll(size_t limit) = 0;

  // Sends the whole response. For HEAD the body is left out but Content-Length kept. An unread body is drained up to 64 KiB,
  // beyond that the connection is closed after the response.
  virtual Task<Status> Send(Response response) = 0;

  // Streaming: headers first, then Write until done, then Finish. Without `content_length` it is chunked.
  virtual Task<Status> Begin(Response head, std::optional<int64_t> content_length) = 0;
  virtual Task<Status> Write(std::string_view bytes) = 0;
  virtual Task<Status> Finish() = 0;

  // Runs `work` in the server's blocking pool and comes back to the I/O thread. errors::kOverloaded (and `work` is not run) when the pool
  // is full.
  virtual Task<Status> RunBlocking(std::function<void()> work) = 0;
  // The same for work that returns a Status or a StatusOr, which runs in the request's trace: what it returned, or why it was not run.
  template <typename Work>
  Task<std::invoke_result_t<Work&>> Blocking(Work& work) {
    std::optional<std::invoke_result_t<Work&>> result;
    std::function<void()> run = [&] {
      const obs::TraceScope trace(request().trace);
      result.emplace(work());
    };
    const Status ran = co_await RunBlocking(std::move(run));
    if (!ran.ok()) co_return ran;
    co_return *std::move(result);
  }
  // Suspends; CANCELLED when the server drains or the client has gone away (for SSE loops).
  virtual Task<Status> Sleep(std::chrono::milliseconds time) = 0;
  virtual bool draining() const = 0;
};

using Handler = std::function<Task<void>(Exchange&)>;
// For plain JSON endpoints: runs in the blocking pool with the whole body.
using SimpleHandler = std::function<Response(const Request&, const std::string& body)>;

struct ServerOptions {
  std::string listen = "127.0.0.1:0";
  std::string listen_setting = "VORA_HTTP_LISTEN";  // the setting that bind errors tell people to change
  int io_threads = 2;
  int blocking_threads = 16;
  size_t blocking_queue = 4096;  // work beyond this is refused (503)
  size_t max_header_bytes = 16 << 10;
  size_t max_header_fields = 128;
  size_t max_connections = 10000;
  size_t simple_body_limit = 1 << 20;
  std::chrono::milliseconds idle_timeout{60000};  // between requests, and between bytes of a body
  // Limits per client, so that one cannot starve the others. A client is the peer's address (IPv6: its /64), or the last untrusted address
  // of X-Forwarded-For when the peer is in `trusted_proxies`. 0: no limit. Refusals: 429 with Retry-After, or the connection is closed;
  // counted by vora_http_refused_total{reason}.
  int64_t max_connections_per_client = 0;
  double max_requests_per_second_per_client = 0;                      // token bucket; bursts of twice as many
  std::vector<std::string> trusted_proxies = {"127.0.0.0/8", "::1"};  // CIDRs; no limit applies to these themselves
  std::chrono::milliseconds header_timeout{10000};                    // from the first byte of a request to the end of its headers: 408
  // Bytes per second of a body, counted while the server waits for the client. A request that falls behind by more than idle_timeout is
  // answered 408, a response that does so by more than write_timeout is cut.
  int64_t min_body_rate = 0;
  std::chrono::milliseconds write_timeout{60000};  // a response that makes no progress for so long is cut
  bool log_remote = true;                          // whether the access log names the peer's address
  bool trace_roots = true;                         // false: a request that comes without a trace begins none that is recorded
  // Parameters of path patterns that the access log must not hold, e.g. "viewer_id": it has the pattern instead of the path.
  std::vector<std::string> private_params = {};
};

// The settings that daemons with public HTTP share: VORA_MAX_CONNECTIONS_PER_CLIENT, VORA_MAX_REQUESTS_PER_SECOND_PER_CLIENT,
// VORA_TRUSTED_PROXIES, VORA_HEADER_TIMEOUT, VORA_MIN_BODY_RATE, VORA_WRITE_TIMEOUT. `options` holds the daemon's defaults and must
// outlive the schema.
void DeclareLimits(SettingsSchema& schema, ServerOptions& options);

class Server {
 public:
  Server(ServerOptions options, obs::Metrics& metrics);
  ~Server();

  // Patterns: `/v1/videos/{id}` binds one segment, `/v1/sources/{name}:scan` one that ends in `:scan` without that, a last `{rest*}` the
  // remaining path. The longest literal match wins. A known path with another method is answered 405 with Allow; HEAD falls back to GET; an
  // unknown path 404 as JSON. Register before Start. `method` "*": every method. With a scope, the authorizer (below) is asked before
  // anything of the body is read.
  void Route(std::string method, std::string pattern, Handler handler, std::optional<Scope> scope = {});
  void RouteSimple(std::string method, std::string pattern, SimpleHandler handler, std::optional<Scope> scope = {});
  // Who may use routes with a scope; called on the I/O thread, must not block. Its caller becomes Request::caller, its failure the
  // answer (401 with WWW-Authenticate: Bearer, or 403). Without an authorizer, routes with a scope are refused (503): never open by
  // oversight.
  using Authorizer = std::function<StatusOr<Caller>(const Credentials& credentials, Scope scope)>;
  void SetAuthorizer(Authorizer authorizer);
  // Changes every response before it is sent (CORS, security headers).
  void OnResponse(std::function<void(const Request&, Response& head)> hook);

  // UNAVAILABLE when the address cannot be bound: the message names it and says what to do.
  Status Start();
  int port() const;
  // Stops accepting, closes idle connections, waits up to `budget` for requests in flight, closes the rest. Safe to call twice.
  void Shutdown(std::chrono::milliseconds budget);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::http
