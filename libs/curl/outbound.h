#pragma once

// Calls to URLs that other people name: the rules for these, and what keeps such a call from reaching inside.

#include <netinet/in.h>

#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/curl/handle.h"

namespace vora::curl {

inline constexpr size_t kMaxOutboundUrl = 2000;  // bytes

struct OutboundRules {
  std::string field = "url";   // how errors name it
  std::string setting;         // which setting allows private addresses
  bool allow_private = false;  // addresses that are not of the public Internet
  bool allow_http = false;
};

struct OutboundTarget {
  std::string host;  // as libcurl reads it: numeric spellings of IPv4 (0x7f.1, 2130706433) are written out; IPv6 without brackets
  std::string port;
};

// INVALID_ARGUMENT naming the field: another scheme, credentials, a fragment, no host, too long. Asks no name server.
StatusOr<OutboundTarget> ParseOutboundUrl(std::string_view url, const OutboundRules& rules);
// Every address of the host; asks the name server. INVALID_ARGUMENT naming the field when one of them is not public (unless the rules allow
// it), UNAVAILABLE when the name cannot be resolved.
StatusOr<std::vector<sockaddr_storage>> ResolveOutbound(const OutboundTarget& target, const OutboundRules& rules);

// The same for a thread that others need too: a name server may be slow on purpose. RESOURCE_EXHAUSTED naming the field while four names
// are being resolved by such threads.
StatusOr<std::vector<sockaddr_storage>> ResolveOutboundInPassing(const OutboundTarget& target, const OutboundRules& rules);

// Guards one call. Must outlive it.
class OutboundCall {
 public:
  explicit OutboundCall(OutboundRules rules) : rules_(std::move(rules)) {}
  // Begins a call of `handle` to the URL: it connects to the addresses that were just checked and to nothing else, through no proxy, and
  // follows no redirect. The handle must be of this call alone: a kept connection would not be checked again.
  Status Begin(Handle& handle, const std::string& url);
  const std::string& host() const { return host_; }
  // INVALID_ARGUMENT when it was the guard that ended the call, else OK.
  Status Refused() const;

 private:
  static curl_socket_t OpenSocket(void* self, curlsocktype purpose, curl_sockaddr* address);

  const OutboundRules rules_;
  List resolve_;
  std::string host_;
  std::string refused_;  // the address that was not connected to, and why
};

}  // namespace vora::curl
