#include "services/metadata/webhooks/webhook_dispatcher.h"

#include <algorithm>
#include <random>

#include "libs/core/clock.h"
#include "libs/core/text.h"
#include "libs/log/log.h"
#include "libs/obs/span.h"
#include "services/metadata/metrics.h"
#include "services/metadata/webhooks/webhook_signature.h"

namespace vora::metadata {
namespace {

constexpr std::chrono::seconds kGaugePause{5};
constexpr std::chrono::hours kDeliveryPurgePause{1};
constexpr int kGone = 410;

double Random() {
  thread_local std::mt19937_64 engine(std::random_device{}());
  return std::uniform_real_distribution<double>(0, 1)(engine);
}

bool Accepted(const WebhookAnswer& answer) { return answer.status.ok() && answer.http_status / 100 == 2; }

std::string ErrorOf(const WebhookAnswer& answer) {
  if (!answer.status.ok()) return Sanitise(Message(answer.status), 500);
  if (answer.http_status / 100 == 3) return "HTTP status " + std::to_string(answer.http_status) + "; redirects are not followed";
  return "HTTP status " + std::to_string(answer.http_status);
}

}  // namespace

WebhookDispatcher::WebhookDispatcher(WebhookRepo& repo, SubscriptionRepo& subscriptions, WebhookSender& sender, obs::Metrics& metrics,
                                     WebhookDispatcherOptions options)
    : repo_(repo),
      subscriptions_(subscriptions),
      sender_(sender),
      metrics_(metrics),
      options_(options),
      pool_("webhook", static_cast<size_t>(options.threads), static_cast<size_t>(options.threads)),
      thread_("webhooks", [this] { return Step(); }) {}

WebhookDispatcher::~WebhookDispatcher() { Stop(); }

void WebhookDispatcher::Stop() {
  // First the sender, so that nobody waits for calls of up to ten seconds; then the loop, since it hands work to the pool.
  sender_.Interrupt();
  thread_.Stop();
  pool_.Stop();
}

std::chrono::milliseconds WebhookDispatcher::Step() {
  Maintenance();
  while (running_ < options_.threads) {
    const auto claimed = repo_.Claim(options_.lease, options_.at_once);
    if (!claimed.ok() || !claimed->has_value()) break;
    ++running_;
    const bool taken = pool_.TrySubmit([this, attempt = **claimed] {
      Send(attempt);
      --running_;
      thread_.Wake();
    });
    if (taken) continue;
    --running_;
    (void)repo_.Release(**claimed);
    break;
  }
  return options_.poll;
}

void WebhookDispatcher::Send(const WebhookAttempt& attempt) {
  obs::Span span("webhook " + attempt.event, obs::SpanKind::kClient, attempt.traceparent);
  const int64_t now = ToUnixSeconds(Clock::Real().Now());
  // Signed anew for each attempt: receivers refuse timestamps that are too old, while the id tells them what they have had.
  const WebhookAnswer answer = sender_.Post(attempt.url,
                                            {{"webhook-id", attempt.delivery_id},
                                             {"webhook-timestamp", std::to_string(now)},
                                             {"webhook-signature", SignWebhook(attempt.secret, attempt.delivery_id, now, attempt.payload)}},
                                            attempt.payload);
  span.Set("vora.webhook.id", attempt.webhook_id);
  span.Set("vora.attempt", std::to_string(attempt.attempt));
  if (answer.http_status != 0) span.Set("http.response.status_code", std::to_string(answer.http_status));
  if (!Accepted(answer)) span.Fail(Unavailable(ErrorOf(answer)));
  RecordOutcome(attempt, answer);
}

// Where writing the outcome down fails, the lease runs out and the delivery is made again: at least once.
void WebhookDispatcher::RecordOutcome(const WebhookAttempt& attempt, const WebhookAnswer& answer) {
  if (answer.status.code() == StatusCode::kCancelled) {
    (void)repo_.Release(attempt);
    return;
  }
  if (Accepted(answer)) {
    kWebhookDeliveries.In(metrics_, {"delivered"}).Increment();
    (void)repo_.Delivered(attempt, answer.http_status);
    return;
  }
  const bool gone = answer.http_status == kGone;
  const auto again = gone ? std::nullopt : WebhookBackoff(attempt.attempt, answer.retry_after, Random());
  const std::string error = ErrorOf(answer);
  const bool refused = answer.status.code() == StatusCode::kInvalidArgument;
  kWebhookDeliveries.In(metrics_, {!again ? "dead" : refused ? "refused" : "failed"}).Increment();
  const log::Fields fields = {{"webhook_id", attempt.webhook_id},
                              {"delivery_id", attempt.delivery_id},
                              {"event", attempt.event},
                              {"attempt", attempt.attempt},
                              {"error", error},
                              {"again_in_ms", again ? again->count() : -1}};
  if (again) {
    log::Info("a webhook was not delivered; it will be sent again", fields);
  } else {
    log::Warn("a webhook was not delivered and is given up", fields);
  }
  const auto disabled = repo_.Failed(attempt, answer.http_status, error, again, gone, options_.disable_after);
  if (disabled.ok() && *disabled) {
    log::Warn("a webhook has been disabled, since its receiver does not take anything",
              {{"webhook_id", attempt.webhook_id}, {"error", error}});
  }
}

void WebhookDispatcher::Maintenance() {
  const auto now = std::chrono::steady_clock::now();
  if (now >= next_gauges_) {
    next_gauges_ = now + kGaugePause;
    if (const auto backlog = repo_.Backlog(); backlog.ok()) {
      kWebhooksPending.In(metrics_).Set(static_cast<double>(backlog->pending));
      kWebhooksOldestAge.In(metrics_).Set(backlog->oldest_seconds);
    }
    if (const auto backlog = subscriptions_.Backlog(); backlog.ok()) {
      kEventsPending.In(metrics_).Set(static_cast<double>(backlog->pending));
      kEventsOldestAge.In(metrics_).Set(backlog->oldest_seconds);
    }
  }
  if (now >= next_purge_) {
    next_purge_ = now + kDeliveryPurgePause;
    (void)repo_.Purge(options_.keep);
    (void)subscriptions_.Purge(options_.keep);
  }
}

}  // namespace vora::metadata
