#include "libs/rpc/server.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "libs/log/log.h"
#include "libs/rpc/call_observer.h"
#include "libs/rpc/calls_in_flight.h"
#include "libs/rpc/environment.h"
#include "libs/rpc/health.h"
#include "libs/rpc/metrics.h"
#include "libs/rpc/tls.h"
#include "libs/rpc/tls_identity.h"

namespace vora::rpc {
namespace {

constexpr std::chrono::milliseconds kGoAwayTime{50};
constexpr int kProbeMetadataBytes = 4 << 10, kProbeMessageBytes = 4 << 10, kProbeCalls = 16;

// gRPC's own messages become JSON lines like ours. Its errors are mostly remarks on peers that went away.
void InstallLogBridge() {
  static std::once_flag once;
  std::call_once(once, [] {
    gpr_set_log_function([](gpr_log_func_args* args) {
      if (args->severity == GPR_LOG_SEVERITY_ERROR) {
        log::Warn("grpc", {{"detail", args->message}});
      } else {
        log::Debug("grpc", {{"detail", args->message}});
      }
    });
  });
}

std::string CannotListen(const std::string& address, const std::string& setting) {
  const auto colon = address.rfind(':');
  const std::string port = colon == std::string::npos ? address : address.substr(colon + 1);
  return "cannot listen for gRPC on " + address + ": the port is in use, or the address is not one of this machine's; " +
         "`ss -ltnp sport = :" + port + "` shows who holds it. Stop that program, or choose another address with " + setting;
}

// A client that is silent, leaves and comes back, or never stops cannot hold the server for ever. gRPC takes calls of a connection that has
// reached its age to a new one.
void SetLimits(grpc::ServerBuilder& builder, int metadata_bytes, int concurrent_calls) {
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // two daemons must not share a port unnoticed
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 15 * 60'000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, 60 * 60'000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 10 * 60'000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, concurrent_calls);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, metadata_bytes);
}

}  // namespace

struct Server::Impl {
  explicit Impl(const Readiness& readiness) : health(readiness) {}
  HealthService health;
  CallsInFlight calls;
  int port = 0;
  int health_port = 0;
  std::once_flag stopped;
  std::shared_ptr<TlsIdentity> identity;
  obs::Gauge* expiry = nullptr;
  std::unique_ptr<HealthService> probed;
  std::unique_ptr<grpc::Server> probe_server;
  std::unique_ptr<grpc::Server> server;
};

Status Server::StartProbes(Impl& impl, const std::string& listen, const Readiness& readiness) {
  if (listen.empty()) return absl::OkStatus();
  impl.probed = std::make_unique<HealthService>(readiness);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(listen, grpc::InsecureServerCredentials(), &impl.health_port);
  SetLimits(builder, kProbeMetadataBytes, kProbeCalls);
  builder.SetMaxReceiveMessageSize(kProbeMessageBytes);
  builder.RegisterService(impl.probed.get());
  impl.probe_server = builder.BuildAndStart();
  if (impl.probe_server == nullptr || impl.health_port == 0) return Unavailable(CannotListen(listen, "VORA_HEALTH_LISTEN"));
  return absl::OkStatus();
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { Shutdown(std::chrono::milliseconds(0)); }

StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, std::vector<grpc::Service*> services,
                                                const Readiness& readiness, obs::Metrics& metrics) {
  PrepareGrpcEnvironment();
  InstallLogBridge();
  static std::once_flag reflection_once;
  std::call_once(reflection_once, [] { grpc::reflection::InitProtoReflectionServerBuilderPlugin(); });

  auto impl = std::make_unique<Impl>(readiness);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.listen, ServerCredentials(), &impl->port);
  SetLimits(builder, options.max_metadata_bytes, options.max_concurrent_calls);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  builder.SetMaxSendMessageSize(static_cast<int>(options.max_message_bytes));
  grpc::ResourceQuota quota("vora");
  quota.SetMaxThreads(options.max_threads);
  builder.SetResourceQuota(quota);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> observers;
  observers.push_back(MakeCallObserver(metrics, impl->calls));
  builder.experimental().SetInterceptorCreators(std::move(observers));
  builder.RegisterService(&impl->health);
  for (auto* service : services) builder.RegisterService(service);
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr || impl->port == 0) return Unavailable(CannotListen(options.listen, "VORA_GRPC_LISTEN"));
  VORA_RETURN_IF_ERROR(StartProbes(*impl, options.health_listen, readiness));
  if (impl->identity = CurrentIdentity(); impl->identity) {
    impl->expiry = &kCertificateExpiry.In(metrics);
    impl->identity->Publish(*impl->expiry);
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

int Server::port() const { return impl_->port; }
int Server::health_port() const { return impl_->health_port; }

void Server::Shutdown(std::chrono::milliseconds budget) {
  std::call_once(impl_->stopped, [this, budget] {
    if (impl_->expiry != nullptr) impl_->identity->Forget(*impl_->expiry);
    // Watch streams do not end by themselves, and gRPC would wait for them until the budget is over.
    impl_->health.Stop();
    if (impl_->probe_server) {
      impl_->probed->Stop();
      impl_->probe_server->Shutdown(std::chrono::system_clock::now());
      impl_->probe_server->Wait();
    }
    std::promise<void> ended;
    auto end = ended.get_future();
    // gRPC's Shutdown blocks until its deadline, and the connections have to be cut meanwhile.
    std::thread stopper([&] {
      impl_->server->Shutdown(std::chrono::system_clock::now() + budget);
      ended.set_value();
    });
    // gRPC waits for idle connections as it does for calls, and a blocking client may take seconds to see the GOAWAY. So once no
    // call is left the connections are cut.
    const bool done = end.wait_for(kGoAwayTime) == std::future_status::ready;
    if (!done && impl_->calls.WaitUntilNone(std::chrono::steady_clock::now() + budget)) {
      grpc_server_cancel_all_calls(impl_->server->c_server());
    }
    stopper.join();
    impl_->server->Wait();
  });
}

}  // namespace vora::rpc
