#pragma once

// The daemon's authenticator, as the gRPC services and HTTP servers of its parts take it.

#include <memory>

#include "libs/auth/authenticator.h"
#include "libs/http/server/server.h"
#include "libs/rpc/gate.h"

namespace vora {

struct Doors {
  // Made without one, they let nobody in.
  Doors() = default;
  explicit Doors(std::shared_ptr<const auth::Authenticator> authenticator);
  // Let everybody in as tenant `default`, for tests of other things.
  static Doors Open();

  rpc::Gate gate;
  http::Server::Admission admission;
  bool guarded = true;  // false: auth is off
};

}  // namespace vora
