#include "services/metadata/webhooks/webhook_target.h"

#include <curl/curl.h>
#include <netdb.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "libs/core/error.h"
#include "services/metadata/webhooks/webhook_address.h"

namespace vora::metadata {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string Part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK || text == nullptr) return {};
  std::string out = text;
  curl_free(text);
  return out;
}

Status NotNow(const std::string& why) { return WithDetail(Unavailable("url: " + why), {.field = "url"}); }

}  // namespace

StatusOr<WebhookTarget> ParseWebhookUrl(std::string_view url, bool allow_private) {
  if (url.empty()) return InvalidField("url", "must be given");
  if (url.size() > kMaxWebhookUrl)
    return InvalidField("url", "at most " + std::to_string(kMaxWebhookUrl) + " bytes", std::to_string(kMaxWebhookUrl) + " bytes");
  const auto printable = [](char c) { return c > ' ' && c < '\x7f'; };
  if (!std::all_of(url.begin(), url.end(), printable)) return InvalidField("url", "has spaces, control or non-ASCII characters");
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  // The parser that also sends, so that both see the same host.
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, std::string(url).c_str(), 0) != CURLUE_OK) {
    return InvalidField("url", "is not a valid absolute URL");
  }
  const std::string scheme = Part(parsed.get(), CURLUPART_SCHEME);
  if (scheme != "https" && !(scheme == "http" && allow_private)) {
    return InvalidField(
        "url", scheme == "http" ? "must begin with https:// (http is for VORA_WEBHOOK_ALLOW_PRIVATE only)" : "must begin with https://");
  }
  if (!Part(parsed.get(), CURLUPART_USER).empty() || !Part(parsed.get(), CURLUPART_PASSWORD).empty() ||
      url.substr(0, url.find_first_of("/?#", url.find("://") + 3)).find('@') != std::string_view::npos) {
    return InvalidField("url", "must not hold a user name or password");
  }
  if (url.find('#') != std::string_view::npos) return InvalidField("url", "must not have a fragment");
  WebhookTarget target;
  target.host = Part(parsed.get(), CURLUPART_HOST);
  target.port = Part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (target.host.starts_with('[')) target.host = target.host.substr(1, target.host.size() - 2);
  if (target.host.empty()) return InvalidField("url", "has no host");
  if (!Part(parsed.get(), CURLUPART_ZONEID).empty() || target.host.find('%') != std::string::npos)
    return InvalidField("url", "must not name a zone of an address");
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
      return InvalidField("url", "" + target.host + (text == target.host ? "" : " has an address that") + " is not public (" +
                                     std::string(why) + "); VORA_WEBHOOK_ALLOW_PRIVATE allows it");
    }
    sockaddr_storage& address = addresses.emplace_back();
    std::memcpy(&address, item->ai_addr, item->ai_addrlen);
  }
  if (addresses.empty()) return NotNow("the name " + target.host + " has no address");
  return addresses;
}

}  // namespace vora::metadata
