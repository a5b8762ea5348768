#include "services/metadata/webhooks/webhook_sender.h"

#include <algorithm>

#include <absl/strings/numbers.h>

#include "libs/core/error.h"
#include "libs/core/version.h"
#include "libs/curl/handle.h"
#include "services/metadata/webhooks/webhook_address.h"
#include "services/metadata/webhooks/webhook_target.h"

namespace vora::metadata {
namespace {

constexpr size_t kMaxAnswer = 64 << 10;
constexpr std::chrono::milliseconds kConnectTimeout{5000};

struct WebhookCall {
  bool allow_private = false;
  std::string refused;  // the address that was not connected to, and why
  size_t received = 0;

  bool too_long() const { return received > kMaxAnswer; }
};

// The last word: libcurl connects to what is given here, and to nothing else.
curl_socket_t OpenSocket(void* user, curlsocktype, curl_sockaddr* address) {
  auto* call = static_cast<WebhookCall*>(user);
  const std::string_view why = WhyNotPublic(&address->addr);
  if (!why.empty() && !call->allow_private) {
    call->refused = AddressText(&address->addr) + " is not public (" + std::string(why) + ")";
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// The other form, a date (RFC 9110 section 10.2.3), is not read: then our own pause holds.
std::optional<std::chrono::seconds> RetryAfter(const std::string& text) {
  int64_t seconds = 0;
  if (!absl::SimpleAtoi(text, &seconds) || seconds < 0) return std::nullopt;
  return std::chrono::seconds(std::min<int64_t>(seconds, 86'400));
}

std::string Pinned(const WebhookTarget& target, const std::vector<sockaddr_storage>& addresses) {
  std::string text = target.host + ":" + target.port + ":";
  for (size_t i = 0; i < addresses.size(); ++i) text += (i == 0 ? "" : ",") + AddressText(reinterpret_cast<const sockaddr*>(&addresses[i]));
  return text;
}

}  // namespace

WebhookSender::WebhookSender(bool allow_private, std::chrono::milliseconds timeout) : allow_private_(allow_private), timeout_(timeout) {}

WebhookAnswer WebhookSender::Post(const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers,
                                  const std::string& body) {
  if (interrupted_) return {Cancelled("this replica is shutting down"), 0, {}};
  const auto target = ParseWebhookUrl(url, allow_private_);
  if (!target.ok()) return {target.status(), 0, {}};
  const auto addresses = ResolveWebhookTarget(*target, allow_private_);
  if (!addresses.ok()) return {addresses.status(), 0, {}};
  // A handle of its own for each call: a kept connection would not be checked again.
  curl::Handle handle;
  if (!handle.ok()) return {ResourceExhausted("no memory for a request"), 0, {}};
  WebhookCall call;
  call.allow_private = allow_private_;
  curl::List resolve;
  // An IPv6 address is no name to be resolved, and its colons would end the fields of CURLOPT_RESOLVE.
  if (target->host.find(':') == std::string::npos) resolve.Add(Pinned(*target, *addresses));
  handle.Begin(url);
  if (!allow_private_) handle.Set(CURLOPT_PROTOCOLS_STR, "https");
  handle.Set(CURLOPT_RESOLVE, resolve.get());
  handle.Set(CURLOPT_OPENSOCKETFUNCTION, &OpenSocket);
  handle.Set(CURLOPT_OPENSOCKETDATA, &call);
  // Empty, not unset: else libcurl asks the environment for a proxy.
  handle.Set(CURLOPT_PROXY, "");
  handle.Set(CURLOPT_FOLLOWLOCATION, 0L);
  handle.AddHeader("User-Agent", "Vora/" + std::string(Version()));
  handle.AddHeader("Content-Type", "application/json");
  handle.OmitHeader("Expect");
  for (const auto& [name, value] : headers) handle.AddHeader(name, value);
  handle.Method("POST");
  handle.Body(body);
  handle.Timeouts(timeout_, std::min(kConnectTimeout, timeout_));
  handle.OnBody([&call](std::string_view piece) {
    call.received += piece.size();
    return call.too_long() ? 0 : piece.size();
  });
  handle.CancelWhen([this] { return interrupted_.load(); });
  const Status sent = handle.Perform(target->host);
  // A receiver that says more than anybody reads has still given its status.
  if (sent.ok() || call.too_long()) return {{}, handle.http_status(), RetryAfter(handle.head().Get("Retry-After"))};
  if (interrupted_) return {Cancelled("this replica is shutting down"), 0, {}};
  if (!call.refused.empty()) return {InvalidField("url", "the address " + call.refused), 0, {}};
  return {sent, 0, {}};
}

}  // namespace vora::metadata
