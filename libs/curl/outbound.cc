#include "libs/curl/outbound.h"

#include <netdb.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>

#include "libs/core/error.h"
#include "libs/curl/public_address.h"
#include "libs/curl/url.h"

namespace vora::curl {
namespace {

constexpr int kNamesInPassing = 4;

Status NotNow(const OutboundRules& rules, const std::string& why) {
  return WithDetail(Unavailable(rules.field + ": " + why), {.field = rules.field});
}

std::string Pinned(const OutboundTarget& target, const std::vector<sockaddr_storage>& addresses) {
  std::string text = target.host + ":" + target.port + ":";
  for (size_t i = 0; i < addresses.size(); ++i) text += (i == 0 ? "" : ",") + AddressText(reinterpret_cast<const sockaddr*>(&addresses[i]));
  return text;
}

}  // namespace

StatusOr<OutboundTarget> ParseOutboundUrl(std::string_view url, const OutboundRules& rules) {
  const std::string& field = rules.field;
  if (url.empty()) return InvalidField(field, "must be given");
  if (url.size() > kMaxOutboundUrl) {
    const std::string limit = std::to_string(kMaxOutboundUrl) + " bytes";
    return InvalidField(field, "at most " + limit, limit);
  }
  const auto printable = [](char c) { return c > ' ' && c < '\x7f'; };
  if (!std::all_of(url.begin(), url.end(), printable)) return InvalidField(field, "has spaces, control or non-ASCII characters");
  // By libcurl's own parser: any other could read another host out of the same text than is connected to.
  const auto parsed = ParseHttpUrl(url);
  if (!parsed) {
    return InvalidField(field, rules.allow_http ? "must be a valid URL that begins with https:// or http://"
                                                : "must be a valid URL that begins with https://");
  }
  if (!parsed->https && !rules.allow_http) {
    return InvalidField(field, "must begin with https:// (http is for " + rules.setting + " only)");
  }
  if (parsed->has_user) return InvalidField(field, "must not hold a user name or password");
  if (parsed->has_fragment) return InvalidField(field, "must not have a fragment");
  // A zone is an interface of this machine.
  if (parsed->has_zone) return InvalidField(field, "must not name a zone of an address");
  OutboundTarget target;
  target.host = parsed->host;
  target.port = std::to_string(parsed->port);
  // getaddrinfo takes IPv6 addresses without brackets.
  if (target.host.starts_with('[')) target.host = target.host.substr(1, target.host.size() - 2);
  return target;
}

StatusOr<std::vector<sockaddr_storage>> ResolveOutbound(const OutboundTarget& target, const OutboundRules& rules) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found, &freeaddrinfo);
  if (error != 0) return NotNow(rules, "the name " + target.host + " cannot be resolved: " + gai_strerror(error));
  std::vector<sockaddr_storage> addresses;
  for (const addrinfo* item = list.get(); item != nullptr; item = item->ai_next) {
    const std::string_view why = WhyNotPublic(item->ai_addr);
    if (!why.empty() && !rules.allow_private) {
      const std::string text = AddressText(item->ai_addr);
      // The address itself is not told: nobody learns from us what names inside stand for.
      return InvalidField(rules.field, target.host + (text == target.host ? "" : " has an address that") + " is not public (" +
                                           std::string(why) + "); " + rules.setting + " allows it");
    }
    sockaddr_storage& address = addresses.emplace_back();
    std::memcpy(&address, item->ai_addr, item->ai_addrlen);
  }
  if (addresses.empty()) return NotNow(rules, "the name " + target.host + " has no address");
  return addresses;
}

StatusOr<std::vector<sockaddr_storage>> ResolveOutboundInPassing(const OutboundTarget& target, const OutboundRules& rules) {
  static std::atomic<int> resolving{0};
  struct Place {
    const int before = resolving.fetch_add(1);
    ~Place() { --resolving; }
  } const place;
  if (place.before >= kNamesInPassing) {
    return WithDetail(ResourceExhausted(rules.field + ": other names are being resolved; try again"), {.field = rules.field});
  }
  return ResolveOutbound(target, rules);
}

Status OutboundCall::Begin(Handle& handle, const std::string& url) {
  VORA_ASSIGN_OR_RETURN(const OutboundTarget target, ParseOutboundUrl(url, rules_));
  VORA_ASSIGN_OR_RETURN(const std::vector<sockaddr_storage> addresses, ResolveOutbound(target, rules_));
  host_ = target.host;
  refused_.clear();
  resolve_.Clear();
  // An IPv6 address is no name to be resolved, and its colons would end the fields of CURLOPT_RESOLVE.
  if (target.host.find(':') == std::string::npos) resolve_.Add(Pinned(target, addresses));
  handle.Begin(url);
  if (!rules_.allow_http) handle.Set(CURLOPT_PROTOCOLS_STR, "https");
  handle.Set(CURLOPT_RESOLVE, resolve_.get());
  handle.Set(CURLOPT_OPENSOCKETFUNCTION, &OutboundCall::OpenSocket);
  handle.Set(CURLOPT_OPENSOCKETDATA, this);
  // Empty, not unset: else libcurl asks the environment for a proxy.
  handle.Set(CURLOPT_PROXY, "");
  handle.Set(CURLOPT_FOLLOWLOCATION, 0L);
  return absl::OkStatus();
}

Status OutboundCall::Refused() const { return refused_.empty() ? absl::OkStatus() : InvalidField(rules_.field, "the address " + refused_); }

// The last word: libcurl connects to what is given here, and to nothing else.
curl_socket_t OutboundCall::OpenSocket(void* self, curlsocktype, curl_sockaddr* address) {
  auto* call = static_cast<OutboundCall*>(self);
  const std::string_view why = WhyNotPublic(&address->addr);
  if (!why.empty() && !call->rules_.allow_private) {
    call->refused_ = AddressText(&address->addr) + " is not public (" + std::string(why) + ")";
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

}  // namespace vora::curl
