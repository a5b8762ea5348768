#pragma once

// Webhooks and their deliveries. Deliveries of videos are added by the database itself, in the transaction that changes the video
// (migrations/0003_webhooks.sql). A claim is a lease, so several replicas can send side by side and a dead one's claim comes back.
// Thread-safe. Everything but the sender's part is bound to a tenant: another's webhook is NOT_FOUND.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "services/metadata/webhooks/webhook.h"

namespace vora::metadata {

class Store;

// A delivery to be tried now.
struct WebhookAttempt {
  std::string delivery_id, webhook_id, url, secret, event, payload, traceparent;
  int attempt = 1;  // from 1
};

struct WebhookBacklog {
  int64_t pending = 0;        // of enabled webhooks
  double oldest_seconds = 0;  // how long the oldest of them has been due, where the last attempt arrived
};

struct DeliveryPage {
  std::vector<WebhookDelivery> deliveries;  // newest first
  int64_t next_before = 0;                  // 0: no more
};

class WebhookRepo {
 public:
  explicit WebhookRepo(Store& store) : store_(store) {}

  // FAILED_PRECONDITION beyond kMaxWebhooks.
  StatusOr<Webhook> Create(const std::string& tenant, const WebhookFields& fields, const std::string& secret);
  StatusOr<std::vector<Webhook>> List(const std::string& tenant);
  StatusOr<Webhook> Get(const std::string& tenant, const std::string& webhook_id);
  // Enabling one also forgets that it failed.
  StatusOr<Webhook> Update(const std::string& tenant, const std::string& webhook_id, const WebhookFields& fields);
  Status Delete(const std::string& tenant, const std::string& webhook_id);  // with its deliveries
  // `before` 0: from the newest on. `state` empty: all.
  StatusOr<DeliveryPage> Deliveries(const std::string& tenant, const std::string& webhook_id, const std::string& state, int64_t before,
                                    int limit);
  // To be sent once more, now, under the same id, however it ended.
  StatusOr<WebhookDelivery> Redeliver(const std::string& tenant, const std::string& webhook_id, const std::string& delivery_id);
  // RESOURCE_EXHAUSTED beyond kMaxWebhookTests: nobody fills the table, or has us knock at somebody's door without end.
  StatusOr<WebhookDelivery> AddTest(const std::string& tenant, const std::string& webhook_id, const std::string& traceparent);

  // The sender's. Of an enabled webhook with fewer than `at_once` under way: the delivery that is due longest of the tenant with the fewest
  // under way.
  StatusOr<std::optional<WebhookAttempt>> Claim(std::chrono::milliseconds lease, int at_once);
  Status Delivered(const WebhookAttempt& attempt, int http_status);
  // Due again after `again`, or DEAD without one. A webhook that has failed all the time for `disable_after` is disabled when a delivery of
  // it dies, and at once when the receiver said that it is `gone`. True: disabled now.
  StatusOr<bool> Failed(const WebhookAttempt& attempt, int http_status, const std::string& error,
                        std::optional<std::chrono::milliseconds> again, bool gone, std::chrono::hours disable_after);
  // Not tried after all.
  Status Release(const WebhookAttempt& attempt);
  StatusOr<WebhookBacklog> Backlog();
  // Drops deliveries that ended longer ago than `age`.
  StatusOr<int64_t> Purge(std::chrono::hours age);

 private:
  Store& store_;
};

}  // namespace vora::metadata
