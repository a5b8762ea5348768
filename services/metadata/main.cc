// vora-metadata: videos, their states and their ladders in PostgreSQL; REST, gRPC and the console's pages.

#include "libs/daemon/daemon.h"
#include "services/metadata/metadata_app.h"
#include "services/metadata/metadata_settings.h"

namespace vora::metadata {
namespace {

Status SetUp(Daemon& daemon, const MetadataSettings& settings) {
  VORA_ASSIGN_OR_RETURN(AppOptions options, settings.Options());
  VORA_ASSIGN_OR_RETURN(sources::Sources sources, sources::Sources::OpenFromEnvironment(settings.sources, daemon.metrics()));
  options.sources = std::make_shared<const sources::Sources>(std::move(sources));
  const auto app = std::make_shared<MetadataApp>(std::move(options), Authorization(daemon.authenticator()), daemon.metrics(),
                                                 [&daemon](const Status& reason) { daemon.Fail(reason); });
  daemon.Keep(app);
  for (grpc::Service* service : app->services()) daemon.AddService(service);
  daemon.readiness().AddCheck("database", [app] { return app->Ready(); });
  daemon.OnStop("metadata", std::chrono::seconds(10), [app](std::chrono::milliseconds budget) { app->Stop(budget); });
  return app->Start();
}

}  // namespace
}  // namespace vora::metadata

int main(int argc, char** argv) {
  vora::metadata::MetadataSettings settings;
  vora::DaemonSpec spec;
  spec.name = "vora-metadata";
  spec.summary = "Videos, their states and ladders: REST, gRPC and the console's pages.";
  spec.default_grpc = "127.0.0.1:9082";
  spec.default_admin = "127.0.0.1:9182";
  spec.declare = [&](vora::SettingsSchema& schema) { settings.Declare(schema); };
  spec.setup = [&](vora::Daemon& daemon) { return vora::metadata::SetUp(daemon, settings); };
  spec.commands.push_back(vora::MigrateCommand(
      "PostgreSQL", [&](vora::obs::Metrics& metrics) { return vora::metadata::MigrateDatabase(settings.app, metrics); }));
  return vora::RunDaemon(argc, argv, spec);
}
