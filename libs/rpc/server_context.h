#pragma once

// What a handler can learn of its call.

#include <grpcpp/server_context.h>

#include "libs/core/caller.h"
#include "libs/obs/trace.h"

namespace vora::rpc {

// The call's trace: child of the caller's `traceparent`, or a new root. Sync handlers run under the trace already; handlers of the
// callback API, which answer from other threads, keep this one and open a TraceScope where they work on.
obs::TraceContext TraceOf(const grpc::ServerContextBase& context);

// What the caller presents: `authorization` metadata and the verified TLS peer, for auth::Authenticator::Admit.
Credentials CredentialsOf(const grpc::ServerContextBase& context);

}  // namespace vora::rpc
