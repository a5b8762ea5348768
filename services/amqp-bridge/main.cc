// vora-amqp: tasks from a broker's queue become videos; states and results go back.

#include "libs/daemon/daemon.h"
#include "services/amqp-bridge/bridge.h"
#include "services/amqp-bridge/bridge_settings.h"

namespace vora::amqp {
namespace {

// One call to metadata, and the goodbye to the broker.
constexpr std::chrono::milliseconds kStopBudget{15'000};

Status SetUp(Daemon& daemon, const BridgeSettings& settings) {
  VORA_ASSIGN_OR_RETURN(const auto bridge, Bridge::Start(settings, daemon.metrics()));
  daemon.Keep(bridge);
  daemon.readiness().AddCheck("broker", [bridge] { return bridge->BrokerHealth(); });
  daemon.readiness().AddCheck("metadata", [bridge] { return bridge->MetadataHealth(); });
  daemon.OnStop("bridge", kStopBudget, [bridge](std::chrono::milliseconds) { bridge->Stop(); });
  return absl::OkStatus();
}

}  // namespace
}  // namespace vora::amqp

int main(int argc, char** argv) {
  vora::amqp::BridgeSettings settings;
  vora::DaemonSpec spec;
  spec.name = "vora-amqp";
  spec.summary = "Takes tasks from a broker's queue (RabbitMQ), makes videos of them, and answers what becomes of those";
  spec.guarded = false;
  spec.default_grpc = "127.0.0.1:9088";
  spec.default_admin = "127.0.0.1:9188";
  spec.declare = [&](vora::SettingsSchema& schema) { settings.Declare(schema); };
  spec.setup = [&](vora::Daemon& daemon) { return vora::amqp::SetUp(daemon, settings); };
  return vora::RunDaemon(argc, argv, spec);
}
