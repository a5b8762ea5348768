#include "services/metadata/webhooks/webhook_repo.h"

#include <nlohmann/json.hpp>

#include "libs/core/ids.h"
#include "services/metadata/rows/store.h"
#include "services/metadata/webhooks/webhook_rows_internal.h"

namespace vora::metadata {
namespace {

// Count and insert are one under this lock; two creates at once would both find a place left.
constexpr char kLockTenant[] = "SELECT pg_advisory_xact_lock(hashtext('vora.webhooks.' || $1))";
constexpr char kCount[] = "SELECT count(*) FROM webhooks WHERE tenant = $1 AND subscription = ''";
constexpr char kInsertWebhook[] = R"(
    INSERT INTO webhooks AS w (webhook_id, tenant, url, description, events, secret, enabled)
    VALUES ($1, $2, $3, $4, ARRAY(SELECT json_array_elements_text($5::json)), $6, $7) RETURNING )" VORA_WEBHOOK_COLUMNS;
constexpr char kListWebhooks[] =
    "SELECT " VORA_WEBHOOK_COLUMNS " FROM webhooks w WHERE tenant = $1 AND subscription = '' ORDER BY webhook_id";
constexpr char kGet[] = "SELECT " VORA_WEBHOOK_COLUMNS " FROM webhooks w WHERE tenant = $1 AND webhook_id = $2 AND subscription = ''";
constexpr char kUpdate[] = R"(
    UPDATE webhooks w SET url = coalesce($3, url), description = coalesce($4, description),
    events = CASE WHEN $5::json IS NULL THEN events ELSE ARRAY(SELECT json_array_elements_text($5::json)) END,
    enabled = coalesce($6, enabled), disabled_reason = CASE WHEN $6 THEN '' ELSE disabled_reason END,
    failing_since = CASE WHEN $6 THEN NULL ELSE failing_since END, updated_at = now()
    WHERE tenant = $1 AND webhook_id = $2 AND subscription = '' RETURNING )" VORA_WEBHOOK_COLUMNS;
constexpr char kDeleteWebhook[] = "DELETE FROM webhooks WHERE tenant = $1 AND webhook_id = $2 AND subscription = ''";
constexpr char kDeliveries[] = R"(
    SELECT )" VORA_DELIVERY_COLUMNS R"( FROM webhook_deliveries d WHERE webhook_id = $1 AND ($2 = '' OR state = $2)
    AND ($3::bigint = 0 OR seq < $3::bigint) ORDER BY seq DESC LIMIT $4)";
// Not while an attempt is under way: its outcome would be written into the new round.
constexpr char kRedeliver[] = R"(
    UPDATE webhook_deliveries d SET state = 'PENDING', attempts = 0, next_attempt_at = now(), ended_at = NULL
    WHERE webhook_id = $1 AND delivery_id = $2 AND leased_until <= now() RETURNING )" VORA_DELIVERY_COLUMNS;
constexpr char kFindDelivery[] = "SELECT " VORA_DELIVERY_COLUMNS " FROM webhook_deliveries d WHERE webhook_id = $1 AND delivery_id = $2";
constexpr char kInsertTest[] = R"(
    INSERT INTO webhook_deliveries AS d (delivery_id, webhook_id, event, payload, traceparent) VALUES ($1, $2, $3, $4, $5)
    RETURNING )" VORA_DELIVERY_COLUMNS;
// Only the newest are looked at: they are found by the index, however many there are.
constexpr char kRecentTests[] = R"(
    SELECT count(*) FROM (SELECT event, created_at FROM webhook_deliveries WHERE webhook_id = $1 ORDER BY seq DESC LIMIT $3) d
    WHERE event = $2 AND created_at > now() - interval '1 minute')";
constexpr char kDatabaseTime[] = "SELECT " VORA_TIME_TEXT("now()");

StatusOr<Webhook> OneWebhook(const pqxx::result& rows, const std::string& webhook_id) {
  if (rows.empty()) return NotFound("no webhook " + webhook_id);
  return ReadWebhook(rows[0]);
}

std::string EventsJson(const std::vector<std::string>& events) { return nlohmann::json(events).dump(); }

Status CheckOwner(pqxx::work& tx, const std::string& tenant, const std::string& webhook_id) {
  return tx.exec_params(kGet, tenant, webhook_id).empty() ? NotFound("no webhook " + webhook_id) : Status();
}

}  // namespace

Webhook ReadWebhook(const pqxx::row& row) {
  Webhook webhook;
  webhook.webhook_id = row["webhook_id"].c_str();
  webhook.tenant = row["tenant"].c_str();
  webhook.url = row["url"].c_str();
  webhook.description = row["description"].c_str();
  webhook.events = nlohmann::json::parse(row["events"].c_str()).get<std::vector<std::string>>();
  webhook.enabled = row["enabled"].as<bool>();
  webhook.disabled_reason = row["disabled_reason"].c_str();
  webhook.failing_since = row["failing_since"].c_str();
  webhook.created_at = row["created_at"].c_str();
  webhook.updated_at = row["updated_at"].c_str();
  return webhook;
}

WebhookDelivery ReadDelivery(const pqxx::row& row) {
  WebhookDelivery delivery;
  delivery.seq = row["seq"].as<int64_t>();
  delivery.delivery_id = row["delivery_id"].c_str();
  delivery.event = row["event"].c_str();
  delivery.video_id = row["video_id"].c_str();
  delivery.state = row["state"].c_str();
  delivery.attempts = row["attempts"].as<int>();
  delivery.last_status = row["last_status"].as<int>();
  delivery.last_error = row["last_error"].c_str();
  delivery.created_at = row["created_at"].c_str();
  delivery.next_attempt_at = row["next_attempt_at"].c_str();
  delivery.ended_at = row["ended_at"].c_str();
  return delivery;
}

StatusOr<Webhook> WebhookRepo::Create(const std::string& tenant, const WebhookFields& fields, const std::string& secret) {
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<Webhook> {
    tx.exec_params(kLockTenant, tenant);
    if (tx.exec_params1(kCount, tenant)[0].as<int>() >= kMaxWebhooks) {
      return FailedPrecondition("there are " + std::to_string(kMaxWebhooks) + " webhooks already, which is the limit; delete one");
    }
    const auto rows = tx.exec_params(kInsertWebhook, NewId(), tenant, fields.url.value_or(""), fields.description.value_or(""),
                                     EventsJson(fields.events.value_or(WebhookEvents())), secret, fields.enabled.value_or(true));
    return OneWebhook(rows, "");
  });
}

StatusOr<std::vector<Webhook>> WebhookRepo::List(const std::string& tenant) {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<std::vector<Webhook>> {
    std::vector<Webhook> webhooks;
    for (const auto& row : tx.exec_params(kListWebhooks, tenant)) webhooks.push_back(ReadWebhook(row));
    return webhooks;
  });
}

StatusOr<Webhook> WebhookRepo::Get(const std::string& tenant, const std::string& webhook_id) {
  return store_.Read(
      [&](pqxx::nontransaction& tx) -> StatusOr<Webhook> { return OneWebhook(tx.exec_params(kGet, tenant, webhook_id), webhook_id); });
}

StatusOr<Webhook> WebhookRepo::Update(const std::string& tenant, const std::string& webhook_id, const WebhookFields& fields) {
  const auto events = fields.events ? std::optional<std::string>(EventsJson(*fields.events)) : std::nullopt;
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<Webhook> {
    const auto text = [](const std::optional<std::string>& value) { return value ? value->c_str() : nullptr; };
    const char* enabled = fields.enabled ? (*fields.enabled ? "true" : "false") : nullptr;
    return OneWebhook(tx.exec_params(kUpdate, tenant, webhook_id, text(fields.url), text(fields.description), text(events), enabled),
                      webhook_id);
  });
}

Status WebhookRepo::Delete(const std::string& tenant, const std::string& webhook_id) {
  return store_.Transact([&](pqxx::work& tx) -> Status {
    return tx.exec_params(kDeleteWebhook, tenant, webhook_id).affected_rows() == 0 ? NotFound("no webhook " + webhook_id) : Status();
  });
}

StatusOr<DeliveryPage> WebhookRepo::Deliveries(const std::string& tenant, const std::string& webhook_id, const std::string& state,
                                               int64_t before, int limit) {
  DeliveryPage page;
  VORA_RETURN_IF_ERROR(store_.Transact([&](pqxx::work& tx) -> Status {
    page = {};
    VORA_RETURN_IF_ERROR(CheckOwner(tx, tenant, webhook_id));
    for (const auto& row : tx.exec_params(kDeliveries, webhook_id, state, before, limit + 1)) page.deliveries.push_back(ReadDelivery(row));
    return {};
  }));
  if (page.deliveries.size() > static_cast<size_t>(limit)) {
    page.deliveries.pop_back();
    page.next_before = page.deliveries.back().seq;
  }
  return page;
}

StatusOr<WebhookDelivery> WebhookRepo::Redeliver(const std::string& tenant, const std::string& webhook_id, const std::string& delivery_id) {
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<WebhookDelivery> {
    VORA_RETURN_IF_ERROR(CheckOwner(tx, tenant, webhook_id));
    const auto rows = tx.exec_params(kRedeliver, webhook_id, delivery_id);
    if (!rows.empty()) return ReadDelivery(rows[0]);
    // Perhaps it is being sent this moment, which is what was asked for.
    const auto found = tx.exec_params(kFindDelivery, webhook_id, delivery_id);
    if (found.empty()) return NotFound("no delivery " + delivery_id);
    return ReadDelivery(found[0]);
  });
}

StatusOr<WebhookDelivery> WebhookRepo::AddTest(const std::string& tenant, const std::string& webhook_id, const std::string& traceparent) {
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<WebhookDelivery> {
    VORA_RETURN_IF_ERROR(CheckOwner(tx, tenant, webhook_id));
    if (tx.exec_params1(kRecentTests, webhook_id, kWebhookTestEvent, kMaxWebhookTests)[0].as<int>() >= kMaxWebhookTests) {
      return ResourceExhausted("at most " + std::to_string(kMaxWebhookTests) + " tests of a webhook in a minute; wait a little");
    }
    // By the database's clock, as the bodies that the trigger makes.
    const std::string payload = WebhookTestPayload(webhook_id, tx.exec1(kDatabaseTime)[0].c_str());
    return ReadDelivery(tx.exec_params1(kInsertTest, "msg_" + NewId(), webhook_id, kWebhookTestEvent, payload, traceparent));
  });
}

}  // namespace vora::metadata
