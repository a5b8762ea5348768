#include "libs/rpc/server.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <mutex>
#include <utility>

#include "libs/log/log.h"
#include "libs/rpc/call_observer.h"
#include "libs/rpc/health.h"

namespace vora::rpc {
namespace {

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

std::string CannotListen(const std::string& address) {
  const auto colon = address.rfind(':');
  const std::string port = colon == std::string::npos ? address : address.substr(colon + 1);
  return "cannot listen for gRPC on " + address + ": the port is in use, or the address is not one of this machine's; " +
         "`ss -ltnp sport = :" + port + "` shows who holds it. Stop that program, or choose another address with VORA_GRPC_LISTEN";
}

}  // namespace

struct Server::Impl {
  explicit Impl(const Readiness& readiness) : health(readiness) {}
  HealthService health;
  int port = 0;
  std::once_flag stopped;
  std::unique_ptr<grpc::Server> server;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { Shutdown(std::chrono::milliseconds(0)); }

StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, std::vector<grpc::Service*> services,
                                                const Readiness& readiness, obs::Metrics& metrics) {
  InstallLogBridge();
  static std::once_flag reflection_once;
  std::call_once(reflection_once, [] { grpc::reflection::InitProtoReflectionServerBuilderPlugin(); });

  auto impl = std::make_unique<Impl>(readiness);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.listen, grpc::InsecureServerCredentials(), &impl->port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // two daemons must not share a port unnoticed
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  builder.SetMaxSendMessageSize(static_cast<int>(options.max_message_bytes));
  grpc::ResourceQuota quota("vora");
  quota.SetMaxThreads(options.max_threads);
  builder.SetResourceQuota(quota);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> observers;
  observers.push_back(MakeCallObserver(metrics));
  builder.experimental().SetInterceptorCreators(std::move(observers));
  builder.RegisterService(&impl->health);
  for (auto* service : services) builder.RegisterService(service);
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr || impl->port == 0) return Unavailable(CannotListen(options.listen));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

int Server::port() const { return impl_->port; }

void Server::Shutdown(std::chrono::milliseconds budget) {
  std::call_once(impl_->stopped, [this, budget] {
    impl_->health.Stop();
    impl_->server->Shutdown(std::chrono::system_clock::now() + budget);
    impl_->server->Wait();
  });
}

}  // namespace vora::rpc
