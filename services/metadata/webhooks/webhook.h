#pragma once

// What a webhook is, what may be asked of it, and how often it is tried. Pure.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace vora::metadata {

struct Webhook {
  std::string webhook_id, tenant, url, description;
  std::vector<std::string> events;
  bool enabled = true;
  std::string disabled_reason;  // of one that this project switched off
  std::string failing_since;    // RFC 3339, or empty
  std::string created_at, updated_at;
};

struct WebhookDelivery {
  int64_t seq = 0;
  std::string delivery_id, event, video_id, state;  // PENDING, DELIVERED, DEAD
  int attempts = 0, last_status = 0;
  std::string last_error, created_at, next_attempt_at, ended_at;  // times as RFC 3339, or empty
};

// The body of POST and of PATCH /v1/webhooks.
struct WebhookFields {
  std::optional<std::string> url, description, secret;
  std::optional<std::vector<std::string>> events;
  std::optional<bool> enabled;
};

inline constexpr int kMaxWebhooks = 32;      // of a tenant
inline constexpr int kMaxWebhookTests = 60;  // of a webhook within a minute
inline constexpr char kWebhookTestEvent[] = "webhook.test";

// What webhooks are told, all of which is the default.
const std::vector<std::string>& WebhookEvents();
// INVALID_ARGUMENT "field: what is wrong" for broken JSON, unknown fields, wrong types and limits. `create`: a URL must be given; else a
// secret must not, since it is for life.
StatusOr<WebhookFields> ParseWebhookFields(std::string_view body, bool create);

// The pause after failed attempt `attempt` (from 1): 5 s, four times as long each time up to 12 h, +-20 % (`random` 0 to 1), and no shorter
// than the receiver asked for; nullopt after the last of 13 attempts, some three days after the first.
std::optional<std::chrono::milliseconds> WebhookBackoff(int attempt, std::optional<std::chrono::seconds> retry_after, double random);

// The body of a test, as JSON.
std::string WebhookTestPayload(const std::string& webhook_id, std::string_view timestamp);

}  // namespace vora::metadata
