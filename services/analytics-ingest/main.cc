// vora-analytics-ingest: takes playback events in, and loses none that it acknowledged.

#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <string_view>

#include <grpcpp/impl/service_type.h>

#include "libs/daemon/authorization.h"
#include "libs/daemon/daemon.h"
#include "services/analytics-ingest/ingest_app.h"
#include "services/analytics-ingest/shipper/migrate.h"
#include "services/analytics-ingest/spool/check_spool.h"

namespace vora::analytics {
namespace {

Status Setup(Daemon& daemon, IngestSettings& settings) {
  VORA_RETURN_IF_ERROR(settings.Check());
  VORA_ASSIGN_OR_RETURN(auto started,
                        IngestApp::Start(settings, Authorization(daemon.authenticator()).rpc, Clock::Real(), daemon.metrics()));
  const std::shared_ptr<IngestApp> app = std::move(started);
  daemon.Keep(app);
  daemon.AddService(app->grpc_service());
  daemon.readiness().AddCheck("spool", [app] { return app->Health(); });
  daemon.OnStop("shipping", std::chrono::seconds(10), [app](std::chrono::milliseconds budget) { app->StopShipping(budget); });
  daemon.OnStop("intake", std::chrono::seconds(5), [app](std::chrono::milliseconds budget) { app->StopIntake(budget); });
  return absl::OkStatus();
}

// The spool in the given directory, else in the one of the settings.
int CheckSpoolOf(IngestSettings& settings, int argc, char** argv) {
  if (argc > 0) return CheckSpoolMain(argv[0]);
  SettingsSchema schema;
  settings.spool.Declare(schema);
  if (const Status status = schema.LoadFromEnvironment(); !status.ok()) {
    std::fprintf(stderr, "%s\n", Message(status).c_str());
    return 2;
  }
  return CheckSpoolMain(settings.spool.directory);
}

}  // namespace
}  // namespace vora::analytics

int main(int argc, char** argv) {
  // Bodies are allocated by the threads that read them and freed by the spool's: with an arena per thread each would keep a share.
  mallopt(M_ARENA_MAX, 2);
  // A limit on the size of files is an error to be told, like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  vora::analytics::IngestSettings settings;
  if (argc >= 2 && std::string_view(argv[1]) == "--check-spool") return vora::analytics::CheckSpoolOf(settings, argc - 2, argv + 2);
  vora::DaemonSpec spec;
  spec.name = "vora-analytics-ingest";
  spec.summary = "Takes playback events in (POST /e, gRPC) and moves them into ClickHouse; --check-spool [DIR] reads a spool and reports";
  spec.default_grpc = "127.0.0.1:9084";
  spec.default_admin = "127.0.0.1:9184";
  spec.declare = [&](vora::SettingsSchema& schema) { settings.Declare(schema); };
  spec.setup = [&](vora::Daemon& daemon) { return vora::analytics::Setup(daemon, settings); };
  spec.commands.push_back(vora::MigrateCommand("ClickHouse", [&](vora::obs::Metrics&) {
    vora::clickhouse::Client client(settings.clickhouse);
    return vora::analytics::Migrate(client);
  }));
  return vora::RunDaemon(argc, argv, spec);
}
