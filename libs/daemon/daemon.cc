#include "libs/daemon/daemon.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "libs/core/version.h"
#include "libs/daemon/admin.h"
#include "libs/daemon/boundary.h"
#include "libs/daemon/command_line.h"
#include "libs/daemon/drain_watch.h"
#include "libs/daemon/metrics.h"
#include "libs/log/log.h"
#include "libs/rpc/server.h"
#include "libs/run/retry.h"

namespace vora {
namespace {

using daemon_internal::Command;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kGrpcBudget{5000};
constexpr milliseconds kAdminBudget{1000};
constexpr milliseconds kHardLimitGrace{5000};

struct CommonSettings {
  std::string log_level = "info";
  std::string grpc_listen;
  std::string admin_listen;
  std::string health_listen;
  milliseconds drain_delay{0};
  milliseconds drain_timeout{20000};
  daemon_internal::BoundarySettings boundary;

  void Declare(SettingsSchema& schema) {
    schema.Add("VORA_GRPC_LISTEN", &grpc_listen, "Address of the gRPC server, host:port; port 0 takes any free one");
    schema.Add("VORA_ADMIN_LISTEN", &admin_listen, "Address of /livez, /readyz and /metrics, host:port; port 0 takes any free one");
    schema.Add("VORA_HEALTH_LISTEN", &health_listen,
               "Address of a second gRPC server, in plaintext and with grpc.health.v1 alone, for probes that speak no TLS; empty: none");
    schema.Add("VORA_LOG_LEVEL", &log_level, "The least important messages that are logged",
               {.choices = {"debug", "info", "warn", "error"}});
    schema.Add("VORA_DRAIN_DELAY", &drain_delay,
               "How long the daemon goes on serving after SIGTERM while it says that it is not ready, for load balancers to notice",
               {.min = 0, .max = 600'000});
    schema.Add("VORA_DRAIN_TIMEOUT", &drain_timeout, "How long work in flight may take to finish after that", {.min = 0, .max = 3'600'000});
  }

  Status Load(SettingsSchema& schema) const {
    std::string mistakes;
    const auto report = [&mistakes](const std::string& line) { mistakes.append(mistakes.empty() ? "" : "\n").append(line); };
    if (const Status status = schema.LoadFromEnvironment(); !status.ok()) report(Message(status));
    const auto check = [&](const std::string& name, const std::string& value) {
      const Status status = daemon_internal::CheckListenAddress(value);
      if (!status.ok()) report(name + "=" + value + ": " + Message(status));
    };
    check("VORA_GRPC_LISTEN", grpc_listen);
    check("VORA_ADMIN_LISTEN", admin_listen);
    if (!health_listen.empty()) check("VORA_HEALTH_LISTEN", health_listen);
    return mistakes.empty() ? absl::OkStatus() : InvalidArgument(mistakes);
  }
};

class RunningDaemon : public Daemon {
 public:
  RunningDaemon(const DaemonSpec& spec, const CommonSettings& settings) : spec_(spec), settings_(settings) {
    daemon_internal::kBuildInfo.In(metrics_, {std::string(Version())}).Set(1);
  }
  ~RunningDaemon() override {
    while (!parts_.empty()) parts_.pop_back();
  }

  obs::Metrics& metrics() override { return metrics_; }
  Readiness& readiness() override { return readiness_; }
  void AddService(grpc::Service* service) override { services_.push_back(service); }
  void OnStop(std::string name, milliseconds budget, std::function<void(milliseconds)> stop) override {
    stops_.push_back({std::move(name), budget, std::move(stop)});
  }
  void Keep(std::shared_ptr<void> part) override { parts_.push_back(std::move(part)); }
  std::shared_ptr<auth::Authenticator> authenticator() override { return boundary_->authenticator(); }
  void Fail(const Status& reason) override {
    const std::lock_guard lock(failure_mutex_);
    if (failure_) return;
    failure_ = reason;
    log::Error("fatal", {{"reason", ToText(reason)}});
    // By signal, since Run waits for one; during a drain nobody would take it.
    if (!readiness_.draining()) kill(getpid(), SIGTERM);
  }

  // Until SIGTERM or SIGINT; the exit code.
  int Run() {
    const Status started = Start();
    if (!started.ok()) {
      log::Error("cannot start", {{"reason", ToText(started)}});
      Drain();
      return started.code() == StatusCode::kInvalidArgument ? 2 : 1;
    }
    const int signal = WaitForShutdownSignal();
    readiness_.SetDraining();
    log::Info("draining", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"},
                           {"delay_ms", settings_.drain_delay.count()},
                           {"timeout_ms", settings_.drain_timeout.count()}});
    std::this_thread::sleep_for(settings_.drain_delay);
    Drain();
    const std::lock_guard lock(failure_mutex_);
    const int code = failure_ ? 1 : 0;
    log::Info("stopped", {{"exit_code", code}});
    return code;
  }

 private:
  struct Stop {
    std::string name;
    milliseconds budget;
    std::function<void(milliseconds)> run;
  };

  Status Start() {
    VORA_ASSIGN_OR_RETURN(boundary_, daemon_internal::Boundary::Open(settings_.boundary, spec_.guarded, spec_.name, metrics_));
    VORA_RETURN_IF_ERROR(spec_.setup(*this));
    rpc::ServerOptions rpc_options;
    rpc_options.max_threads = spec_.grpc_threads;
    rpc_options.listen = settings_.grpc_listen;
    rpc_options.health_listen = settings_.health_listen;
    VORA_ASSIGN_OR_RETURN(grpc_, rpc::Server::Start(rpc_options, services_, readiness_, metrics_));
    admin_ = std::make_unique<daemon_internal::AdminServer>(settings_.admin_listen, readiness_, metrics_);
    VORA_RETURN_IF_ERROR(Annotate(admin_->Start(), "VORA_ADMIN_LISTEN"));
    // Last: whoever hears that the daemon is ready may call any of its ports.
    readiness_.SetStarted();
    log::Info("listening", {{"grpc", daemon_internal::WithPort(settings_.grpc_listen, grpc_->port())},
                            {"admin", daemon_internal::WithPort(settings_.admin_listen, admin_->port())},
                            {"version", Version()},
                            {"pid", getpid()}});
    return absl::OkStatus();
  }

  void Drain() {
    const auto deadline = steady_clock::now() + settings_.drain_timeout;
    daemon_internal::DrainWatch watch(deadline + kHardLimitGrace);
    const auto step = [&](const std::string& name, milliseconds budget, const std::function<void(milliseconds)>& run) {
      const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
      const auto own = std::clamp(left, milliseconds(0), budget);
      watch.Enter(name, steady_clock::now() + own + milliseconds(100));
      run(own);
    };
    while (!stops_.empty()) {
      const Stop stop = std::move(stops_.back());
      // Off the list before it runs, in reverse order: what was started later uses what was started before.
      stops_.pop_back();
      step(stop.name, stop.budget, stop.run);
    }
    // After the parts' own stops, which answer the calls that wait in them (long polls); before the parts go, since handlers refer to them.
    if (grpc_) step("grpc", kGrpcBudget, [this](milliseconds budget) { grpc_->Shutdown(budget); });
    grpc_.reset();
    if (admin_) step("admin", kAdminBudget, [this](milliseconds budget) { admin_->Shutdown(budget); });
    admin_.reset();
    watch.Enter("parts", deadline);
    // The checks ask the parts.
    readiness_.Stop();
    while (!parts_.empty()) parts_.pop_back();
  }

  const DaemonSpec& spec_;
  const CommonSettings& settings_;
  obs::Metrics metrics_;
  Readiness readiness_;
  std::mutex failure_mutex_;
  std::optional<Status> failure_;
  std::unique_ptr<daemon_internal::Boundary> boundary_;
  std::vector<grpc::Service*> services_;
  std::vector<std::shared_ptr<void>> parts_;
  std::vector<Stop> stops_;
  std::unique_ptr<daemon_internal::AdminServer> admin_;
  std::unique_ptr<rpc::Server> grpc_;
};

int BadSettings(const DaemonSpec& spec, const Status& status) {
  std::fprintf(stderr, "%s: the settings are wrong:\n%s\n`%s --help` lists all settings.\n", spec.name.c_str(), Message(status).c_str(),
               spec.name.c_str());
  return 2;
}

int Healthcheck(const DaemonSpec& spec, CommonSettings& common) {
  SettingsSchema schema;  // the daemon's own settings do not matter here
  common.Declare(schema);
  if (const Status status = common.Load(schema); !status.ok()) return BadSettings(spec, status);
  const Status ready = daemon_internal::AskReady(daemon_internal::LocalUrl(common.admin_listen, "/readyz"));
  std::fprintf(ready.ok() ? stdout : stderr, "%s\n", ready.ok() ? "ready" : Message(ready).c_str());
  return ready.ok() ? 0 : 1;
}

int RunCommand(const DaemonCommand& command) {
  obs::Metrics metrics;
  const Status done = command.run(metrics);
  if (done.ok()) {
    log::Info("command done", {{"command", command.flag}});
  } else {
    log::Error("command failed", {{"command", command.flag}, {"reason", ToText(done)}});
  }
  return done.ok() ? 0 : done.code() == StatusCode::kInvalidArgument ? 2 : 1;
}

}  // namespace

DaemonCommand MigrateCommand(const std::string& store, std::function<Status(obs::Metrics&)> migrate) {
  constexpr RetryOptions kRetry{.max_attempts = 30, .initial = milliseconds{100}, .max = milliseconds{1000}, .multiplier = 2.0};
  return {
      "--migrate", "bring the schema in " + store + " up to date, then exit",
      [migrate = std::move(migrate), kRetry](obs::Metrics& metrics) { return RetryIdempotent(kRetry, [&] { return migrate(metrics); }); }};
}

int RunDaemon(int argc, char** argv, const DaemonSpec& spec) {
  // Before the first thread, as threads inherit the mask; in one that does not block them a signal would just end the process.
  BlockShutdownSignals();
  const auto line = daemon_internal::ParseCommandLine(argc, argv, spec.commands);
  if (!line.ok()) {
    std::fprintf(stderr, "%s: %s\n", spec.name.c_str(), Message(line.status()).c_str());
    return 2;
  }
  const Command command = line->command;
  CommonSettings common;
  common.grpc_listen = spec.default_grpc;
  common.admin_listen = spec.default_admin;
  if (command == Command::kHealthcheck) return Healthcheck(spec, common);

  SettingsSchema schema;
  if (spec.declare) spec.declare(schema);
  common.Declare(schema);
  common.boundary.Declare(schema, spec.guarded);
  if (command == Command::kHelp) {
    std::fputs(daemon_internal::HelpText(spec, std::string(Version()), schema).c_str(), stdout);
    return 0;
  }
  if (command == Command::kReference) {
    std::fputs(daemon_internal::ReferenceText(spec, schema).c_str(), stdout);
    return 0;
  }
  if (command == Command::kVersion) {
    std::printf("%s %s\n", spec.name.c_str(), std::string(Version()).c_str());
    return 0;
  }
  if (const Status status = common.Load(schema); !status.ok()) return BadSettings(spec, status);
  if (command == Command::kPrintConfig) {
    std::fputs(schema.PrintConfig().c_str(), stdout);
    return 0;
  }
  log::Init(spec.name, common.log_level);
  // Without the boundary's settings: a migration job needs no keys or certificates.
  if (command == Command::kOwn) return RunCommand(*line->own);
  if (const Status status = common.boundary.Check(spec.guarded); !status.ok()) return BadSettings(spec, status);
  return RunningDaemon(spec, common).Run();
}

}  // namespace vora
