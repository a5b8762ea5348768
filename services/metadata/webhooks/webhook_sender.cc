#include "services/metadata/webhooks/webhook_sender.h"

#include <algorithm>

#include <absl/strings/numbers.h>

#include "libs/core/version.h"
#include "libs/curl/handle.h"
#include "libs/curl/outbound.h"
#include "services/metadata/webhooks/webhook_target.h"

namespace vora::metadata {
namespace {

constexpr size_t kMaxAnswer = 64 << 10;
constexpr std::chrono::milliseconds kConnectTimeout{5000};

// The other form, a date (RFC 9110 section 10.2.3), is not read: then our own pause holds.
std::optional<std::chrono::seconds> RetryAfter(const std::string& text) {
  int64_t seconds = 0;
  if (!absl::SimpleAtoi(text, &seconds) || seconds < 0) return std::nullopt;
  return std::chrono::seconds(std::min<int64_t>(seconds, 86'400));
}

}  // namespace

WebhookSender::WebhookSender(bool allow_private, std::chrono::milliseconds timeout) : allow_private_(allow_private), timeout_(timeout) {}

WebhookAnswer WebhookSender::Post(const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers,
                                  const std::string& body) {
  if (interrupted_) return {Cancelled("this replica is shutting down"), 0, {}};
  curl::Handle handle;
  if (!handle.ok()) return {ResourceExhausted("no memory for a request"), 0, {}};
  curl::OutboundCall guard(WebhookRules(allow_private_));
  if (const Status begun = guard.Begin(handle, url); !begun.ok()) return {begun, 0, {}};
  size_t received = 0;
  handle.AddHeader("User-Agent", "Vora/" + std::string(Version()));
  handle.AddHeader("Content-Type", "application/json");
  handle.OmitHeader("Expect");
  for (const auto& [name, value] : headers) handle.AddHeader(name, value);
  handle.Method("POST");
  handle.Body(body);
  handle.Timeouts(timeout_, std::min(kConnectTimeout, timeout_));
  handle.OnBody([&received](std::string_view piece) {
    received += piece.size();
    return received > kMaxAnswer ? 0 : piece.size();
  });
  handle.CancelWhen([this] { return interrupted_.load(); });
  const Status sent = handle.Perform(guard.host());
  // A receiver that says more than anybody reads has still given its status.
  if (sent.ok() || received > kMaxAnswer) return {{}, handle.http_status(), RetryAfter(handle.head().Get("Retry-After"))};
  if (interrupted_) return {Cancelled("this replica is shutting down"), 0, {}};
  if (const Status refused = guard.Refused(); !refused.ok()) return {refused, 0, {}};
  return {sent, 0, {}};
}

}  // namespace vora::metadata
