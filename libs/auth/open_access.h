#pragma once

// The authenticator of VORA_AUTH=none: everyone is let in.

#include <memory>
#include <string>

#include "libs/auth/authenticator.h"

namespace vora::auth {

// Signs its own calls all the same when there is a fleet secret, so that auth can be switched on daemon by daemon.
std::shared_ptr<Authenticator> OpenAccess(const std::string& fleet_secret);

}  // namespace vora::auth
