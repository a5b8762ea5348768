#pragma once

// Asks the server's authorizer for a request whose route has a scope.

#include <optional>

#include "libs/http/server/server.h"

namespace vora::http {

// nullopt: let in, and `request.caller` is set. Else the refusal to send: 401 and 403 challenge as RFC 6750 section 3 asks. OPTIONS is let
// in without credentials, since browsers send none with a preflight, unless X-HTTP-Method-Override makes another method of it.
std::optional<Response> Authorize(const Server::Authorizer& authorizer, std::optional<Scope> scope, Request& request);

}  // namespace vora::http
