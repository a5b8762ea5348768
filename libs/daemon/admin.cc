#include "libs/daemon/admin.h"

#include <utility>

#include "libs/daemon/metrics.h"
#include "libs/daemon/process_metrics.h"
#include "libs/http/client/client.h"
#include "libs/http/server/server.h"

namespace vora::daemon_internal {
namespace {

http::ServerOptions Options(const std::string& listen) {
  http::ServerOptions options;
  options.listen = listen;
  // Small, and apart from the public server: probes are answered when that one is full or under attack (ADR 12).
  options.io_threads = 1;
  options.blocking_threads = 2;
  options.max_connections = 256;
  options.trace_roots = false;  // probes and scrapes
  return options;
}

}  // namespace

struct AdminServer::Impl {
  Impl(const std::string& listen, obs::Metrics& metrics) : process(metrics), server(Options(listen), metrics) {}
  ProcessMetrics process;
  http::Server server;
};

AdminServer::AdminServer(const std::string& listen, const Readiness& readiness, obs::Metrics& metrics)
    : impl_(std::make_unique<Impl>(listen, metrics)) {
  impl_->server.RouteSimple("GET", "/livez", [](const http::Request&, const std::string&) { return http::Response::Text(200, "live\n"); });
  impl_->server.RouteSimple("GET", "/readyz", [&readiness](const http::Request&, const std::string&) {
    const Status status = readiness.Check();
    return status.ok() ? http::Response::Text(200, "ready\n") : http::Response::Text(503, "not ready: " + Message(status) + "\n");
  });
  impl_->server.RouteSimple("GET", "/metrics", [this, &readiness, &metrics](const http::Request&, const std::string&) {
    impl_->process.Update();
    kReady.In(metrics).Set(readiness.Check().ok() ? 1 : 0);
    auto response = http::Response::Text(200, metrics.Expose());
    response.headers.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    return response;
  });
}

AdminServer::~AdminServer() = default;

Status AdminServer::Start() { return impl_->server.Start(); }
int AdminServer::port() const { return impl_->server.port(); }
void AdminServer::Shutdown(std::chrono::milliseconds budget) { impl_->server.Shutdown(budget); }

Status AskReady(const std::string& readyz_url) {
  http::ClientRequest request;
  request.url = readyz_url;
  request.timeout = std::chrono::seconds(3);
  request.connect_timeout = std::chrono::seconds(2);
  http::Client client;
  VORA_ASSIGN_OR_RETURN(const auto response, client.Do(request));
  if (response.status == 200) return absl::OkStatus();
  std::string reason = response.body;
  while (reason.ends_with('\n')) reason.pop_back();
  return Unavailable(reason.empty() ? readyz_url + " answers " + std::to_string(response.status) : reason);
}

}  // namespace vora::daemon_internal
