#include "services/metadata/webhooks/webhook_target.h"

#include <netdb.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "libs/core/error.h"
#include "libs/curl/url.h"
#include "services/metadata/webhooks/webhook_address.h"

namespace vora::metadata {
namespace {

Status NotNow(const std::string& why) { return WithDetail(Unavailable("url: " + why), {.field = "url"}); }

}  // namespace

StatusOr<WebhookTarget> ParseWebhookUrl(std::string_view url, bool allow_private) {
  if (url.empty()) return InvalidField("url", "must be given");
  if (url.size() > kMaxWebhookUrl)
    return InvalidField("url", "at most " + std::to_string(kMaxWebhookUrl) + " bytes", std::to_string(kMaxWebhookUrl) + " bytes");
  const auto printable = [](char c) { return c > ' ' && c < '\x7f'; };
  if (!std::all_of(url.begin(), url.end(), printable)) return InvalidField("url", "has spaces, control or non-ASCII characters");
  // By libcurl's own parser: any other could read another host out of the same text than is connected to.
  const auto parsed = curl::ParseHttpUrl(url);
  const std::string_view schemes =
      allow_private ? "must be a valid URL that begins with https:// or http://" : "must be a valid URL that begins with https://";
  if (!parsed) return InvalidField("url", schemes);
  if (!parsed->https && !allow_private) {
    return InvalidField("url", "must begin with https:// (http is for VORA_WEBHOOK_ALLOW_PRIVATE only)");
  }
  if (parsed->has_user) return InvalidField("url", "must not hold a user name or password");
  if (parsed->has_fragment) return InvalidField("url", "must not have a fragment");
  // A zone is an interface of this machine.
  if (parsed->has_zone) return InvalidField("url", "must not name a zone of an address");
  WebhookTarget target;
  target.host = parsed->host;
  target.port = std::to_string(parsed->port);
  // getaddrinfo takes IPv6 addresses without brackets.
  if (target.host.starts_with('[')) target.host = target.host.substr(1, target.host.size() - 2);
  return target;
}

StatusOr<std::vector<sockaddr_storage>> ResolveWebhookTarget(const WebhookTarget& target, bool allow_private) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found, &freeaddrinfo);
  if (error != 0) return NotNow("the name " + target.host + " cannot be resolved: " + gai_strerror(error));
  std::vector<sockaddr_storage> addresses;
  for (const addrinfo* item = list.get(); item != nullptr; item = item->ai_next) {
    const std::string_view why = WhyNotPublic(item->ai_addr);
    if (!why.empty() && !allow_private) {
      const std::string text = AddressText(item->ai_addr);
      // The address itself is not told: nobody learns from us what names inside stand for.
      return InvalidField("url", target.host + (text == target.host ? "" : " has an address that") + " is not public (" + std::string(why) +
                                     "); VORA_WEBHOOK_ALLOW_PRIVATE allows it");
    }
    sockaddr_storage& address = addresses.emplace_back();
    std::memcpy(&address, item->ai_addr, item->ai_addrlen);
  }
  if (addresses.empty()) return NotNow("the name " + target.host + " has no address");
  return addresses;
}

}  // namespace vora::metadata
