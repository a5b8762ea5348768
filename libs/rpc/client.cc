#include "libs/rpc/client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <mutex>
#include <utility>

#include "libs/obs/span.h"
#include "libs/rpc/client_spans.h"
#include "libs/rpc/environment.h"
#include "libs/rpc/tls.h"

namespace vora::rpc {
namespace {

using Credential = std::function<std::string()>;

struct ProcessCredential {
  std::mutex mutex;
  std::shared_ptr<const Credential> credential;
};

ProcessCredential& TheCredential() {
  static ProcessCredential process;
  return process;
}

std::string FleetAuthorization() {
  std::shared_ptr<const Credential> credential;
  {
    const std::lock_guard lock(TheCredential().mutex);
    credential = TheCredential().credential;
  }
  // Called without the mutex: it may sign a token.
  return credential && *credential ? (*credential)() : std::string();
}

grpc::ChannelArguments Arguments() {
  PrepareGrpcEnvironment();
  grpc::ChannelArguments arguments;
  // A server answers pings that come too often with GOAWAY (too_many_pings); ours allow one in five seconds (server.cc).
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 2'000);  // the time one attempt to connect may take
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // the fleet talks to itself directly
  return arguments;
}

std::shared_ptr<grpc::Channel> Connect(const std::string& target, const grpc::ChannelArguments& arguments) {
  return grpc::experimental::CreateCustomChannelWithInterceptors(target, ChannelCredentials(), arguments, ClientSpans());
}

}  // namespace

std::shared_ptr<grpc::Channel> Connect(const std::string& target) { return Connect(target, Arguments()); }

std::shared_ptr<grpc::Channel> ConnectApart(const std::string& target) {
  auto arguments = Arguments();
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return Connect(target, arguments);
}

void SetFleetCredential(std::function<std::string()> authorization) {
  auto credential = std::make_shared<const Credential>(std::move(authorization));
  const std::lock_guard lock(TheCredential().mutex);
  TheCredential().credential = std::move(credential);
}

void Prepare(grpc::ClientContext& context, std::chrono::milliseconds timeout) {
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  obs::TraceContext trace = obs::CurrentTrace();
  if (obs::RecordsCurrentTrace()) trace = trace.Child();  // the id of the span that the channel records
  // What belongs to no trace (a poll, a heartbeat) begins none.
  if (!obs::HasCurrentTrace()) trace.sampled = false;
  context.AddMetadata("traceparent", trace.ToTraceparent());
  if (const std::string authorization = FleetAuthorization(); !authorization.empty()) context.AddMetadata("authorization", authorization);
}

}  // namespace vora::rpc
