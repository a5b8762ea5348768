#pragma once

// The authenticator of VORA_AUTH=jwt.

#include <memory>

#include "libs/auth/authenticator.h"
#include "libs/core/clock.h"

namespace vora::auth {

// As Authenticator::Open with mode jwt; `clock` must outlive it.
StatusOr<std::shared_ptr<Authenticator>> OpenJwt(const AuthSettings& settings, obs::Metrics& metrics, const Clock& clock);

}  // namespace vora::auth
