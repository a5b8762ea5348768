#pragma once

// Sends the deliveries that are due, at most a few of one webhook at a time, so that a slow receiver does not hold up the others.
// Thread-safe.

#include <atomic>
#include <chrono>
#include <memory>

#include "libs/obs/metrics.h"
#include "libs/run/periodic.h"
#include "libs/run/thread_pool.h"
#include "services/metadata/webhooks/subscription_repo.h"
#include "services/metadata/webhooks/webhook_repo.h"
#include "services/metadata/webhooks/webhook_sender.h"

namespace vora::metadata {

struct WebhookDispatcherOptions {
  int threads = 8;
  int at_once = 2;  // of one webhook, over all replicas
  std::chrono::milliseconds poll{500};
  std::chrono::milliseconds lease{30'000};  // longer than a call may take
  std::chrono::hours disable_after{72};
  std::chrono::hours keep{24 * 30};  // deliveries that ended, and subscriptions that nobody fetches from
};

class WebhookDispatcher {
 public:
  // `sender` must outlive it.
  WebhookDispatcher(WebhookRepo& repo, SubscriptionRepo& subscriptions, WebhookSender& sender, obs::Metrics& metrics,
                    WebhookDispatcherOptions options = {});
  ~WebhookDispatcher();  // Stop
  void Start() { thread_.Start(); }
  // Something may be due now.
  void Wake() { thread_.Wake(); }
  // Interrupts the sender; what it was doing is tried again by whoever comes next. Safe to call twice.
  void Stop();

 private:
  std::chrono::milliseconds Step();
  void Send(const WebhookAttempt& attempt);
  void RecordOutcome(const WebhookAttempt& attempt, const WebhookAnswer& answer);
  void Maintenance();

  WebhookRepo& repo_;
  SubscriptionRepo& subscriptions_;
  WebhookSender& sender_;
  obs::Metrics& metrics_;
  const WebhookDispatcherOptions options_;
  std::atomic<int> running_{0};
  std::chrono::steady_clock::time_point next_gauges_, next_purge_;
  ThreadPool pool_;
  Periodic thread_;
};

}  // namespace vora::metadata
