#include "services/metadata/webhooks/subscription_repo.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>
#include <pqxx/pqxx>

#include "libs/core/error.h"
#include "libs/core/ids.h"
#include "services/metadata/rows/store.h"

namespace vora::metadata {
namespace {

// Longer than who has fetched takes to hand on and acknowledge.
constexpr std::chrono::milliseconds kFetchLease{15'000};
constexpr int kDefaultEvents = 50;
constexpr size_t kMaxName = 63;

constexpr char kFindSubscription[] = R"(
    SELECT webhook_id, fetched_at < now() - interval '1 hour' AS stale FROM webhooks WHERE tenant = $1 AND subscription = $2
    AND subscription <> '')";
constexpr char kLockSubscriptions[] = "SELECT pg_advisory_xact_lock(hashtext('vora.subscriptions.' || $1))";
constexpr char kCountSubscriptions[] = "SELECT count(*) FROM webhooks WHERE tenant = $1 AND subscription <> ''";
constexpr char kSubscribe[] = R"(
    INSERT INTO webhooks (webhook_id, tenant, url, events, secret, enabled, subscription, fetched_at)
    VALUES ($1, $2, '', '{}', '', false, $3, now()))";
constexpr char kFetched[] = "UPDATE webhooks SET fetched_at = now() WHERE webhook_id = $1";
// A call that died leaves what it was given: it is due again when the lease is over.
constexpr char kFetch[] = R"(
    UPDATE webhook_deliveries d SET attempts = d.attempts + 1, next_attempt_at = now() + $3 * interval '1 millisecond'
    FROM (SELECT delivery_id FROM webhook_deliveries WHERE webhook_id = $1 AND state = 'PENDING' AND next_attempt_at <= now()
    ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED) due
    WHERE d.delivery_id = due.delivery_id RETURNING d.seq, d.delivery_id, d.event, d.payload)";
// Nobody asks for what was fetched, unlike for what was sent.
constexpr char kAcknowledge[] = R"(
    DELETE FROM webhook_deliveries d USING webhooks w WHERE w.tenant = $1 AND w.subscription = $2 AND w.subscription <> ''
    AND d.webhook_id = w.webhook_id AND d.delivery_id IN (SELECT json_array_elements_text($3::json)))";
constexpr char kPurgeSubscriptions[] = R"(
    DELETE FROM webhooks WHERE subscription <> '' AND fetched_at < now() - $1 * interval '1 hour')";

Status CheckSubscription(const std::string& name) {
  const bool allowed = std::all_of(name.begin(), name.end(),
                                   [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
  if (allowed && !name.empty() && name.size() <= kMaxName) return absl::OkStatus();
  return InvalidField("subscription", "must have 1 to 63 characters of a to z, 0 to 9, '-' and '_'", "63 characters");
}

StatusOr<std::string> FindOrSubscribe(pqxx::work& tx, const std::string& tenant, const std::string& name) {
  auto found = tx.exec_params(kFindSubscription, tenant, name);
  if (found.empty()) {
    tx.exec_params(kLockSubscriptions, tenant);
    // Another replica may have made it while this one waited.
    found = tx.exec_params(kFindSubscription, tenant, name);
  }
  if (!found.empty()) {
    if (found[0]["stale"].as<bool>()) tx.exec_params(kFetched, found[0]["webhook_id"].c_str());
    return std::string(found[0]["webhook_id"].c_str());
  }
  if (tx.exec_params1(kCountSubscriptions, tenant)[0].as<int>() >= kMaxSubscriptions) {
    return FailedPrecondition("there are " + std::to_string(kMaxSubscriptions) + " subscriptions already, which is the limit");
  }
  const std::string id = NewId();
  tx.exec_params(kSubscribe, id, tenant, name);
  return id;
}

}  // namespace

StatusOr<v1::FetchEventsResponse> SubscriptionRepo::Fetch(const std::string& tenant, const v1::FetchEventsRequest& request) {
  VORA_RETURN_IF_ERROR(CheckSubscription(request.subscription()));
  const int limit = request.max_events() == 0 ? kDefaultEvents : request.max_events();
  if (limit < 1 || limit > kMaxEvents) return InvalidField("max_events", "must be from 1 to 200, or 0 for 50", "200");
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<v1::FetchEventsResponse> {
    VORA_ASSIGN_OR_RETURN(const std::string id, FindOrSubscribe(tx, tenant, request.subscription()));
    const pqxx::result rows = tx.exec_params(kFetch, id, limit, static_cast<int64_t>(kFetchLease.count()));
    std::vector<std::pair<int64_t, v1::Event>> events;
    for (const auto& row : rows) {
      v1::Event event;
      event.set_event_id(row["delivery_id"].c_str());
      event.set_type(row["event"].c_str());
      event.set_body(row["payload"].c_str());
      events.emplace_back(row["seq"].as<int64_t>(), std::move(event));
    }
    std::sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    v1::FetchEventsResponse response;
    for (auto& [seq, event] : events) *response.add_events() = std::move(event);
    return response;
  });
}

StatusOr<v1::AcknowledgeEventsResponse> SubscriptionRepo::Acknowledge(const std::string& tenant,
                                                                      const v1::AcknowledgeEventsRequest& request) {
  VORA_RETURN_IF_ERROR(CheckSubscription(request.subscription()));
  if (request.event_ids_size() > kMaxEvents) return InvalidField("event_ids", "at most 200", "200");
  nlohmann::json ids = nlohmann::json::array();
  for (const auto& id : request.event_ids()) ids.push_back(id);
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<v1::AcknowledgeEventsResponse> {
    tx.exec_params(kAcknowledge, tenant, request.subscription(), ids.dump());
    return v1::AcknowledgeEventsResponse();
  });
}

StatusOr<int64_t> SubscriptionRepo::Purge(std::chrono::hours age) {
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<int64_t> {
    return static_cast<int64_t>(tx.exec_params(kPurgeSubscriptions, static_cast<int64_t>(age.count())).affected_rows());
  });
}

}  // namespace vora::metadata
