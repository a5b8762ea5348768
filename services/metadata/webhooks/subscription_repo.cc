#include "services/metadata/webhooks/subscription_repo.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>
#include <pqxx/pqxx>

#include "libs/core/error.h"
#include "services/metadata/rows/store.h"
#include "services/metadata/rows/subscription_rows_internal.h"

namespace vora::metadata {
namespace {

// Longer than who has fetched takes to hand on and acknowledge.
constexpr std::chrono::milliseconds kFetchLease{15'000};
constexpr int kDefaultEvents = 50;
constexpr size_t kMostFetchedBytes = 3 << 20;  // what a client of gRPC takes at once is 4 MiB
constexpr int kPurgedAtOnce = 10'000;          // rows, so that no statement takes longer than it may

// What another call is at is passed over.
constexpr char kDueEvents[] = R"(
    SELECT seq, delivery_id, event, video_id, payload FROM webhook_deliveries WHERE webhook_id = $1 AND state = 'PENDING'
    AND next_attempt_at <= now() ORDER BY next_attempt_at, seq LIMIT $2 FOR UPDATE SKIP LOCKED)";
constexpr char kRecipientsOf[] = "SELECT recipient FROM video_recipients WHERE webhook_id = $1 AND video_id = $2 ORDER BY recipient";
// A call that died leaves what it was given: it is due again when the lease is over.
constexpr char kLeaseEvents[] = R"(
    UPDATE webhook_deliveries SET attempts = attempts + 1, next_attempt_at = now() + $2 * interval '1 millisecond'
    WHERE delivery_id IN (SELECT json_array_elements_text($1::json)))";
// Nobody asks for what was fetched, unlike for what was sent. Whoever is told of a deleted video goes with the last that is owed of it,
// which need not be the deletion: an earlier event may be due again.
constexpr char kAcknowledge[] = R"(
    WITH told AS (DELETE FROM webhook_deliveries d USING webhooks w WHERE w.tenant = $1 AND w.subscription = $2 AND w.subscription <> ''
    AND d.webhook_id = w.webhook_id AND d.delivery_id IN (SELECT json_array_elements_text($3::json))
    RETURNING d.webhook_id, d.video_id)
    DELETE FROM video_recipients r USING told, videos v WHERE r.webhook_id = told.webhook_id AND r.video_id = told.video_id
    AND v.video_id = r.video_id AND v.deleted_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d
    WHERE d.webhook_id = r.webhook_id AND d.video_id = r.video_id AND d.delivery_id NOT IN (SELECT json_array_elements_text($3::json))))";
constexpr char kEventBacklog[] = R"(
    SELECT count(*) AS pending, coalesce(greatest(0, extract(epoch FROM now() - min(created_at))), 0)::float8 AS oldest
    FROM (SELECT d.created_at FROM webhook_deliveries d JOIN webhooks w USING (webhook_id) WHERE d.state = 'PENDING'
    AND w.subscription <> '' LIMIT 100000) AS waiting)";
#define VORA_FORGOTTEN "subscription <> '' AND fetched_at < now() - $1 * interval '1 hour'"
constexpr char kPurgeEvents[] = R"(
    DELETE FROM webhook_deliveries WHERE delivery_id IN (SELECT delivery_id FROM webhook_deliveries JOIN webhooks USING (webhook_id)
    WHERE )" VORA_FORGOTTEN " LIMIT $2)";
constexpr char kPurgeRecipients[] = R"(
    DELETE FROM video_recipients WHERE (webhook_id, video_id, recipient) IN (SELECT webhook_id, video_id, recipient FROM video_recipients
    JOIN webhooks USING (webhook_id) WHERE )" VORA_FORGOTTEN " LIMIT $2)";
constexpr char kPurgeSubscriptions[] = "DELETE FROM webhooks WHERE " VORA_FORGOTTEN;

}  // namespace

StatusOr<v1::FetchEventsResponse> SubscriptionRepo::Fetch(const std::string& tenant, const v1::FetchEventsRequest& request) {
  VORA_RETURN_IF_ERROR(CheckSubscription(request.subscription()));
  const int limit = request.max_events() == 0 ? kDefaultEvents : request.max_events();
  if (limit < 1 || limit > kMaxEvents) return InvalidField("max_events", "must be from 1 to 200, or 0 for 50", "200");
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<v1::FetchEventsResponse> {
    VORA_ASSIGN_OR_RETURN(const std::string id, FindOrSubscribe(tx, tenant, request.subscription()));
    std::vector<std::pair<int64_t, v1::Event>> events;
    auto ids = nlohmann::json::array();
    size_t bytes = 0;
    for (const auto& row : tx.exec_params(kDueEvents, id, limit)) {
      v1::Event event;
      event.set_event_id(row["delivery_id"].c_str());
      event.set_type(row["event"].c_str());
      event.set_body(row["payload"].c_str());
      for (const auto& recipient : tx.exec_params(kRecipientsOf, id, row["video_id"].c_str())) event.add_recipients(recipient[0].c_str());
      bytes += event.ByteSizeLong();
      if (bytes > kMostFetchedBytes && !events.empty()) break;
      ids.push_back(event.event_id());
      events.emplace_back(row["seq"].as<int64_t>(), std::move(event));
    }
    tx.exec_params(kLeaseEvents, ids.dump(), static_cast<int64_t>(kFetchLease.count()));
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

StatusOr<EventBacklog> SubscriptionRepo::Backlog() {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<EventBacklog> {
    const pqxx::row row = tx.exec1(kEventBacklog);
    return EventBacklog{row["pending"].as<int64_t>(), row["oldest"].as<double>()};
  });
}

StatusOr<int64_t> SubscriptionRepo::Purge(std::chrono::hours age) {
  const auto purge = [&](const char* sql, auto... limit) {
    return store_.Transact([&](pqxx::work& tx) -> StatusOr<int64_t> {
      return static_cast<int64_t>(tx.exec_params(sql, static_cast<int64_t>(age.count()), limit...).affected_rows());
    });
  };
  for (const char* sql : {kPurgeEvents, kPurgeRecipients}) {
    for (int64_t purged = kPurgedAtOnce; purged == kPurgedAtOnce;) {
      VORA_ASSIGN_OR_RETURN(purged, purge(sql, kPurgedAtOnce));
    }
  }
  return purge(kPurgeSubscriptions);
}

}  // namespace vora::metadata
