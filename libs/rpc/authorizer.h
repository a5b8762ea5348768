#pragma once

// Asks who calls before a method of a gRPC service does anything. Every method goes through one; health and reflection do not.

#include <functional>
#include <initializer_list>
#include <utility>

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "libs/core/caller.h"
#include "libs/core/status.h"
#include "libs/rpc/server_context.h"
#include "libs/rpc/status.h"

namespace vora::rpc {

// Thread-safe, cheap to copy. Made without a `decide` it lets nobody in: never open by oversight.
class Authorizer {
 public:
  using Decide = std::function<StatusOr<Caller>(const Credentials& credentials, std::initializer_list<Scope> any_of)>;

  Authorizer() = default;
  explicit Authorizer(Decide decide) : decide_(std::move(decide)) {}
  // Lets everybody in as tenant `default` with every scope, for tests of other things.
  static Authorizer Open();

  StatusOr<Caller> Authorize(const grpc::ServerContextBase& context, std::initializer_list<Scope> any_of) const;

  // For sync handlers: the answer of `serve(caller)`, or the refusal.
  template <typename Serve>
  grpc::Status Authorize(const grpc::ServerContextBase& context, std::initializer_list<Scope> any_of, Serve serve) const {
    const auto caller = Authorize(context, any_of);
    return caller.ok() ? serve(*caller) : ToGrpc(caller.status());
  }

 private:
  Decide decide_;
};

// What a callback handler returns for a caller that is not let in.
template <typename Reactor>
class RefusedCall final : public Reactor {
 public:
  explicit RefusedCall(const Status& status) { this->Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

}  // namespace vora::rpc
