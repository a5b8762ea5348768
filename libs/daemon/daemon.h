#pragma once

// Runs a daemon: settings, logs, admin endpoints, gRPC, readiness, signals, and the one order of shutdown:
// not ready, drain delay, then the stop callbacks in reverse order of registration, gRPC, admin, logs, exit 0.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/run/lifecycle.h"
#include "libs/settings/settings.h"

namespace grpc {
class Service;
}

namespace vora::auth {
class Authenticator;
}

namespace vora {

// What a running daemon's parts need from the runner.
class Daemon {
 public:
  virtual ~Daemon() = default;
  virtual obs::Metrics& metrics() = 0;
  virtual Readiness& readiness() = 0;
  // Registers a gRPC service; it must live as long as the daemon (Keep). Only during setup.
  virtual void AddService(grpc::Service* service) = 0;
  // Callbacks run in reverse order of registration on SIGTERM; each should end within `budget` (logged when it does not).
  virtual void OnStop(std::string name, std::chrono::milliseconds budget, std::function<void(std::chrono::milliseconds)> stop) = 0;
  // Keeps `part` alive until the stop callbacks have run; parts are destroyed in reverse order.
  virtual void Keep(std::shared_ptr<void> part) = 0;
  // Lets callers in (VORA_AUTH); never null, lives as long as the daemon.
  virtual std::shared_ptr<auth::Authenticator> authenticator() = 0;
  // Ends the daemon as SIGTERM would, with exit code 1 and `reason` in the log. Thread-safe.
  virtual void Fail(const Status& reason) = 0;
};

// Something a daemon's program does instead of serving, then exits: 0, or 1 with the reason in the log.
struct DaemonCommand {
  std::string flag;  // --migrate
  std::string help;  // one line for --help
  // Runs with the settings loaded. What it did is logged by itself.
  std::function<Status(obs::Metrics&)> run;
};

// `--migrate`: brings the schema in `store` (a name for people) up to date. Waits about half a minute for a store that is started at the
// same time; `migrate` must be safe to repeat.
DaemonCommand MigrateCommand(const std::string& store, std::function<Status(obs::Metrics&)> migrate);

struct DaemonSpec {
  std::string name;           // vora-upload
  std::string summary;        // one line for --help
  std::string default_grpc;   // host:port; VORA_GRPC_LISTEN overrides
  std::string default_admin;  // host:port; VORA_ADMIN_LISTEN overrides
  std::function<void(SettingsSchema&)> declare;
  // Builds and starts the parts (HTTP servers, pools, loops). gRPC and admin are started by the runner right after; ready then.
  std::function<Status(Daemon&)> setup;
  std::vector<DaemonCommand> commands = {};
  // Whether there is anything to let callers in to but health: then VORA_AUTH and its keys are settings of the daemon, and it does not
  // start without.
  bool guarded = true;
  int grpc_threads = 16;  // calls that may be worked on, or wait for a commit, at a time; more are refused as RESOURCE_EXHAUSTED
};

// Handles --help, --version, --print-config, --healthcheck (asks the running daemon's /readyz) and runs until SIGTERM or SIGINT. Exit
// codes: 0 clean, 1 fault, 2 bad settings. Common settings: VORA_LOG_LEVEL, VORA_GRPC_LISTEN, VORA_ADMIN_LISTEN, VORA_DRAIN_DELAY (default
// 0s), VORA_DRAIN_TIMEOUT (20s), and those of AuthSettings, TlsSettings and OtlpSettings. Admin: GET /livez, /readyz (200, or 503 with the
// failing checks), /metrics.
int RunDaemon(int argc, char** argv, const DaemonSpec& spec);

}  // namespace vora
