#pragma once

// Where a webhook goes: the rules for its URL, and the addresses behind its name, each of which must be public.

#include <netinet/in.h>

#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace vora::metadata {

inline constexpr size_t kMaxWebhookUrl = 2000;

struct WebhookTarget {
  std::string host;  // as libcurl reads it: numeric spellings of IPv4 (0x7f.1, 2130706433) are written out; IPv6 without brackets
  std::string port;
};

// INVALID_ARGUMENT "url: ...": not http or https (https unless `allow_private`), credentials, a fragment, no host. Asks no name server.
StatusOr<WebhookTarget> ParseWebhookUrl(std::string_view url, bool allow_private);
// Every address of the host; asks the name server. INVALID_ARGUMENT "url: ..." when one of them is not public (unless `allow_private`),
// UNAVAILABLE when the name cannot be resolved.
StatusOr<std::vector<sockaddr_storage>> ResolveWebhookTarget(const WebhookTarget& target, bool allow_private);

}  // namespace vora::metadata
