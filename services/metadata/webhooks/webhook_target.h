#pragma once

// Where a webhook may go.

#include "libs/curl/outbound.h"

namespace vora::metadata {

// `allow_private`: receivers inside the same network, also over http.
inline curl::OutboundRules WebhookRules(bool allow_private) {
  return {.field = "url", .setting = "VORA_WEBHOOK_ALLOW_PRIVATE", .allow_private = allow_private, .allow_http = allow_private};
}

}  // namespace vora::metadata
