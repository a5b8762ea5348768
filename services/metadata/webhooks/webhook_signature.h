#pragma once

// Signatures of webhooks (https://www.standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`. Pure but for the random secret.

#include <cstdint>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace vora::metadata {

// whsec_ and 32 random bytes in Base64.
std::string NewWebhookSecret();
// INVALID_ARGUMENT "secret: ..." unless it is whsec_ and 24 to 64 bytes in Base64.
Status CheckWebhookSecret(std::string_view secret);
// The webhook-signature header: "v1,{Base64}". The secret must pass the check.
std::string SignWebhook(std::string_view secret, std::string_view id, int64_t unix_seconds, std::string_view body);

}  // namespace vora::metadata
