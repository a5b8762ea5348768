#include "services/analytics-ingest/ingest_app.h"

#include <grpcpp/impl/service_type.h>

#include "libs/http/server/server.h"
#include "libs/log/log.h"
#include "services/analytics-ingest/intake/event_routes.h"
#include "services/analytics-ingest/intake/ingest_service.h"

namespace vora::analytics {
namespace {

http::ServerOptions HttpOptions(const IngestSettings& settings) {
  http::ServerOptions options = settings.http;
  options.listen = settings.http_listen;
  options.io_threads = static_cast<int>(settings.io_threads);
  options.blocking_threads = 1;  // nothing here blocks
  options.log_remote = false;
  return options;
}

StatusOr<std::string> Secret(const IngestSettings& settings) {
  if (!settings.viewer_secret.empty()) return settings.viewer_secret;
  if (settings.viewer_hash == "none") return std::string();
  VORA_ASSIGN_OR_RETURN(std::string secret, LoadOrMakeSecret(settings.spool.directory));
  log::Warn("VORA_VIEWER_SECRET is not set: viewers are hashed with a secret of this replica's own; several replicas need a shared one",
            {{"directory", settings.spool.directory}});
  return secret;
}

}  // namespace

struct IngestApp::Impl {
  Impl(const IngestSettings& settings, std::unique_ptr<Spool> opened, std::string secret, rpc::Authorizer authorizer, const Clock& clock,
       obs::Metrics& metrics)
      : server(HttpOptions(settings), metrics),
        spool(std::move(opened)),
        viewers(settings.ViewerOptions(std::move(secret))),
        intake(*spool, viewers, clock, metrics),
        routes(settings.routes, settings.limits, intake, metrics),
        clickhouse(settings.clickhouse),
        shipper(*spool, clickhouse, settings.shipper, metrics),
        service(MakeIngestService(
            intake, [this](const auto& tenant, const auto& hashes, auto budget) { return Erase(tenant, hashes, budget); },
            std::move(authorizer))) {
    routes.Mount(server);
  }

  // What waits in the spool would bring the viewer back.
  StatusOr<Erased> Erase(const std::string& tenant, const std::vector<std::string>& hashes, std::chrono::milliseconds budget) {
    VORA_RETURN_IF_ERROR(shipper.Flush(budget));
    return EraseViewer(clickhouse, tenant, hashes);
  }

  // First, so that it goes last: what requests still wait for is answered by the spool, into the server's own executor.
  http::Server server;
  std::unique_ptr<Spool> spool;
  ViewerHasher viewers;
  Intake intake;
  EventRoutes routes;
  clickhouse::Client clickhouse;
  Shipper shipper;
  std::unique_ptr<grpc::Service> service;
  bool shipping = false;
};

StatusOr<std::unique_ptr<IngestApp>> IngestApp::Start(const IngestSettings& settings, rpc::Authorizer authorizer, const Clock& clock,
                                                      obs::Metrics& metrics) {
  VORA_ASSIGN_OR_RETURN(auto spool, Spool::Open(settings.spool, clock, metrics));
  VORA_ASSIGN_OR_RETURN(std::string secret, Secret(settings));
  auto impl = std::make_unique<Impl>(settings, std::move(spool), std::move(secret), std::move(authorizer), clock, metrics);
  VORA_RETURN_IF_ERROR(impl->server.Start());
  log::Info("taking events in", {{"port", impl->server.port()}});
  impl->shipper.Start();
  impl->shipping = true;
  return std::unique_ptr<IngestApp>(new IngestApp(std::move(impl)));
}

IngestApp::IngestApp(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

IngestApp::~IngestApp() {
  StopIntake(std::chrono::milliseconds(0));
  StopShipping(std::chrono::milliseconds(0));
}

int IngestApp::http_port() const { return impl_->server.port(); }
grpc::Service* IngestApp::grpc_service() { return impl_->service.get(); }
Status IngestApp::Health() { return impl_->intake.Health(); }

void IngestApp::StopIntake(std::chrono::milliseconds budget) {
  // The server first, so that requests under way still reach the spool; then what comes by gRPC is refused too.
  impl_->server.Shutdown(budget);
  impl_->intake.Close();
}

void IngestApp::StopShipping(std::chrono::milliseconds budget) {
  if (!impl_->shipping) return;
  impl_->shipping = false;
  impl_->shipper.Stop(budget);
}

}  // namespace vora::analytics
