#pragma once

// Rows of webhooks and deliveries. Heavy (pqxx).

#include <pqxx/pqxx>

#include "services/metadata/webhooks/webhook.h"

#define VORA_TIME_TEXT(expression) "to_char(" expression " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
// Of `webhooks w`, without the secret.
#define VORA_WEBHOOK_COLUMNS                                                                                        \
  "w.webhook_id, w.tenant, w.url, w.description, to_json(w.events)::text AS events, w.enabled, w.disabled_reason, " \
  "coalesce(" VORA_TIME_TEXT("w.failing_since") ", '') AS failing_since, " VORA_TIME_TEXT(                          \
      "w.created_at") " AS created_at, " VORA_TIME_TEXT("w.updated_at") " AS updated_at"
// Of `webhook_deliveries d`.
#define VORA_DELIVERY_COLUMNS \
  "d.seq, d.delivery_id, d.event, d.video_id, d.state, d.attempts, d.last_status, d.last_error, "                          \
  VORA_TIME_TEXT("d.created_at") " AS created_at, CASE WHEN d.state = 'PENDING' THEN " VORA_TIME_TEXT("d.next_attempt_at") \
  " ELSE '' END AS next_attempt_at, coalesce(" VORA_TIME_TEXT("d.ended_at") ", '') AS ended_at"

namespace vora::metadata {

Webhook ReadWebhook(const pqxx::row& row);
WebhookDelivery ReadDelivery(const pqxx::row& row);

}  // namespace vora::metadata
