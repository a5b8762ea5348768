#pragma once

// Channels and client contexts: every call has a deadline and carries the thread's trace context.

#include <chrono>
#include <memory>
#include <string>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

namespace vora::rpc {

// Insecure channel (TLS comes by configuration later) with keepalive and quick reconnects (at most 2 s between tries), so that a
// restarted peer is found again by itself. `target`: host:port.
std::shared_ptr<grpc::Channel> Connect(const std::string& target);

// Sets the deadline to now + `timeout` and adds `traceparent` (child of the thread's current trace).
void Prepare(grpc::ClientContext& context, std::chrono::milliseconds timeout);

}  // namespace vora::rpc
