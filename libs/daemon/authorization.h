#pragma once

// The daemon's authenticator, as the gRPC services and HTTP servers of its parts take it.

#include <memory>

#include "libs/auth/authenticator.h"
#include "libs/http/server/server.h"
#include "libs/rpc/authorizer.h"

namespace vora {

struct Authorization {
  // Made without one, they let nobody in.
  Authorization() = default;
  explicit Authorization(std::shared_ptr<const auth::Authenticator> authenticator);
  // Let everybody in as tenant `default`, for tests of other things.
  static Authorization Open();

  rpc::Authorizer rpc;
  http::Server::Authorizer http;
  bool enabled = true;  // false: auth is off
};

}  // namespace vora
