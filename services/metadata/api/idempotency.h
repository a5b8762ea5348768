#pragma once

// POST requests that name themselves: `Idempotency-Key: a-key-of-the-client`. The second one of the same name is answered what the first
// one was, for a day, and does nothing.

#include "libs/http/server/server.h"

namespace vora::metadata {

class RequestKeyRepo;

// `handler`, carried out once for each key. A request without one goes straight to it. Only what was done is remembered: after an error the
// same key may be tried again. 400: not a key; 409 while it is being carried out; 422: the key was of another request.
http::SimpleHandler OncePerKey(RequestKeyRepo& keys, http::SimpleHandler handler);

}  // namespace vora::metadata
