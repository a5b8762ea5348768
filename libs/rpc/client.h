#pragma once

// Channels and client contexts: every call has a deadline and carries the thread's trace context.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

namespace vora::rpc {

// A channel (TLS as libs/rpc/tls.h says) with keepalive and quick reconnects (at most 2 s between tries), so that a
// restarted peer is found again by itself. `target`: host:port.
std::shared_ptr<grpc::Channel> Connect(const std::string& target);
// The same with a connection of its own: others to the same target share one.
std::shared_ptr<grpc::Channel> ConnectApart(const std::string& target);

// Gives the value of `authorization` for calls between daemons; asked for every call, from any thread. For the whole process, before
// the first call. Empty answers send none.
void SetFleetCredential(std::function<std::string()> authorization);

// Sets the deadline to now + `timeout`, adds `traceparent` (child of the thread's current trace; without one, a trace that is not recorded)
// and the fleet's `authorization`.
void Prepare(grpc::ClientContext& context, std::chrono::milliseconds timeout);

}  // namespace vora::rpc
