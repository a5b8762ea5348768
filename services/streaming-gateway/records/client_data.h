#pragma once

// What the player says of itself with a request (CMCD).

#include <optional>

#include "libs/cmcd/cmcd.h"
#include "libs/http/message/message.h"

namespace vora::gateway {

// From the query argument `CMCD`, else the header X-Vora-CMCD (the edge puts that argument there, still percent-encoded, because it must
// not be part of the cache key), else the headers CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status. nullopt: there is none, or it is
// malformed, which never fails a request. Pure.
std::optional<cmcd::Cmcd> ClientData(const http::Request& request);

}  // namespace vora::gateway
