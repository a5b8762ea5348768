// vora-streaming-gateway: manifests and segments for players.

#include <malloc.h>

#include <memory>

#include <grpcpp/impl/codegen/service_type.h>

#include "libs/daemon/authorization.h"
#include "libs/daemon/daemon.h"
#include "services/streaming-gateway/gateway_app.h"
#include "services/streaming-gateway/gateway_service.h"
#include "services/streaming-gateway/gateway_settings.h"

namespace vora::gateway {
namespace {

Status SetUp(Daemon& daemon, const GatewaySettings& settings) {
  VORA_ASSIGN_OR_RETURN(GatewayOptions options, settings.Options());
  VORA_ASSIGN_OR_RETURN(const std::shared_ptr<storage::ObjectStore> store,
                        settings.storage.Open(storage::Root::kProcessed, daemon.metrics()));
  daemon.Keep(store);
  const auto gateway = std::make_shared<GatewayApp>(
      std::move(options), *store, MetadataSource(settings.metadata, settings.metadata_timeout), Clock::Real(), daemon.metrics());
  daemon.Keep(gateway);
  const std::shared_ptr<grpc::Service> service = MakeGatewayService(gateway->access(), Authorization(daemon.authenticator()).rpc);
  daemon.Keep(service);
  daemon.AddService(service.get());
  daemon.readiness().AddCheck("store", [store] { return store->Ping(); });
  daemon.OnStop("http", std::chrono::seconds(15), [gateway](std::chrono::milliseconds budget) { gateway->Stop(budget); });
  return gateway->Start();
}

}  // namespace
}  // namespace vora::gateway

int main(int argc, char** argv) {
  // Objects are allocated by the fetching threads and freed by others: with an arena per thread each would keep a share of the freed
  // memory.
  mallopt(M_ARENA_MAX, 2);
  vora::gateway::GatewaySettings settings;
  vora::DaemonSpec spec;
  spec.name = "vora-streaming-gateway";
  spec.summary = "Serves playlists, manifests and segments to players; read-only";
  spec.default_grpc = "127.0.0.1:9083";
  spec.default_admin = "127.0.0.1:9183";
  spec.declare = [&](vora::SettingsSchema& schema) { settings.Declare(schema); };
  spec.setup = [&](vora::Daemon& daemon) { return vora::gateway::SetUp(daemon, settings); };
  return vora::RunDaemon(argc, argv, spec);
}
