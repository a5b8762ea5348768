// The sender's part of WebhookRepo.

#include "libs/core/ids.h"
#include "services/metadata/rows/store.h"
#include "services/metadata/webhooks/webhook_repo.h"

namespace vora::metadata {
namespace {

// The webhook's row is locked while one of its deliveries is taken, so that two replicas together keep to `at_once`; not its key, which the
// transactions of videos share. The conditions are repeated for the update: the search may have seen the row as it was. The tenant with the
// fewest under way goes first: one whose receivers are slow, by accident or on purpose, holds up itself.
constexpr char kClaim[] = R"(
    WITH due AS (SELECT d.delivery_id, w.url, w.secret FROM webhooks w JOIN LATERAL (
    SELECT delivery_id, next_attempt_at FROM webhook_deliveries
    WHERE webhook_id = w.webhook_id AND state = 'PENDING' AND next_attempt_at <= now() ORDER BY next_attempt_at LIMIT 1) d ON true
    WHERE w.enabled AND (SELECT count(*) FROM webhook_deliveries u WHERE u.webhook_id = w.webhook_id AND u.state = 'PENDING'
    AND u.leased_until > now()) < $2
    ORDER BY (SELECT count(*) FROM webhooks x JOIN webhook_deliveries u USING (webhook_id) WHERE x.tenant = w.tenant
    AND u.state = 'PENDING' AND u.leased_until > now()), d.next_attempt_at
    LIMIT 1 FOR NO KEY UPDATE OF w SKIP LOCKED)
    UPDATE webhook_deliveries d SET attempts = d.attempts + 1, leased_until = now() + $1 * interval '1 millisecond',
    next_attempt_at = now() + $1 * interval '1 millisecond' FROM due
    WHERE d.delivery_id = due.delivery_id AND d.state = 'PENDING' AND d.next_attempt_at <= now()
    RETURNING d.delivery_id, d.webhook_id, d.event, d.payload, d.traceparent, d.attempts, due.url, due.secret)";
// Whichever attempt it was: the receiver has the event.
constexpr char kDelivered[] = R"(
    UPDATE webhook_deliveries SET state = 'DELIVERED', leased_until = 'epoch', last_status = $2, last_error = '', ended_at = now()
    WHERE delivery_id = $1)";
constexpr char kWorks[] = "UPDATE webhooks SET failing_since = NULL WHERE webhook_id = $1 AND failing_since IS NOT NULL";
// Only while this attempt is the last: one whose lease ran out may have been followed by another.
constexpr char kAgain[] = R"(
    UPDATE webhook_deliveries SET leased_until = 'epoch', next_attempt_at = now() + $5 * interval '1 millisecond', last_status = $3,
    last_error = $4 WHERE delivery_id = $1 AND state = 'PENDING' AND attempts = $2)";
constexpr char kDead[] = R"(
    UPDATE webhook_deliveries SET state = 'DEAD', leased_until = 'epoch', last_status = $3, last_error = $4, ended_at = now()
    WHERE delivery_id = $1 AND state = 'PENDING' AND attempts = $2)";
constexpr char kFails[] = "UPDATE webhooks SET failing_since = now() WHERE webhook_id = $1 AND failing_since IS NULL";
constexpr char kDisable[] = R"(
    UPDATE webhooks SET enabled = false, disabled_reason = $2, updated_at = now() WHERE webhook_id = $1 AND enabled
    AND ($3 OR failing_since <= now() - $4 * interval '1 hour'))";
// The attempt was not made, so it does not count.
constexpr char kRelease[] = R"(
    UPDATE webhook_deliveries SET attempts = attempts - 1, leased_until = 'epoch', next_attempt_at = now()
    WHERE delivery_id = $1 AND state = 'PENDING' AND attempts = $2)";
// A receiver that does not answer makes its own deliveries old, and nobody else's: what is late is what is due where the last one arrived.
constexpr char kBacklog[] = R"(
    SELECT count(*) AS pending, coalesce(greatest(0, extract(epoch FROM now() -
    min(d.next_attempt_at) FILTER (WHERE w.failing_since IS NULL))), 0)::float8 AS oldest
    FROM webhook_deliveries d JOIN webhooks w USING (webhook_id) WHERE d.state = 'PENDING' AND w.enabled)";
constexpr char kPurgeDeliveries[] = "DELETE FROM webhook_deliveries WHERE state <> 'PENDING' AND ended_at < now() - $1 * interval '1 hour'";

}  // namespace

StatusOr<std::optional<WebhookAttempt>> WebhookRepo::Claim(std::chrono::milliseconds lease, int at_once) {
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<std::optional<WebhookAttempt>> {
    std::optional<WebhookAttempt> claimed;
    const pqxx::result rows = tx.exec_params(kClaim, static_cast<int64_t>(lease.count()), at_once);
    if (rows.empty()) return claimed;
    const pqxx::row row = rows[0];
    WebhookAttempt& attempt = claimed.emplace();
    attempt.delivery_id = row["delivery_id"].c_str();
    attempt.webhook_id = row["webhook_id"].c_str();
    attempt.event = row["event"].c_str();
    attempt.payload = row["payload"].c_str();
    attempt.traceparent = row["traceparent"].c_str();
    attempt.attempt = row["attempts"].as<int>();
    attempt.url = row["url"].c_str();
    attempt.secret = row["secret"].c_str();
    return claimed;
  });
}

Status WebhookRepo::Delivered(const WebhookAttempt& attempt, int http_status) {
  return store_.Transact([&](pqxx::work& tx) -> Status {
    tx.exec_params(kDelivered, attempt.delivery_id, http_status);
    tx.exec_params(kWorks, attempt.webhook_id);
    return {};
  });
}

StatusOr<bool> WebhookRepo::Failed(const WebhookAttempt& attempt, int http_status, const std::string& error,
                                   std::optional<std::chrono::milliseconds> again, bool gone, std::chrono::hours disable_after) {
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<bool> {
    bool disabled = false;
    if (again) {
      tx.exec_params(kAgain, attempt.delivery_id, attempt.attempt, http_status, error, static_cast<int64_t>(again->count()));
    } else {
      tx.exec_params(kDead, attempt.delivery_id, attempt.attempt, http_status, error);
    }
    tx.exec_params(kFails, attempt.webhook_id);
    // Only a delivery that ends disables its webhook, not one that will be tried again.
    if (again && !gone) return disabled;
    const std::string reason = gone ? "the receiver answered 410 Gone" : "every delivery has failed for too long: " + error;
    disabled = tx.exec_params(kDisable, attempt.webhook_id, reason, gone, static_cast<int64_t>(disable_after.count())).affected_rows() == 1;
    return disabled;
  });
}

Status WebhookRepo::Release(const WebhookAttempt& attempt) {
  return store_.Transact([&](pqxx::work& tx) -> Status {
    tx.exec_params(kRelease, attempt.delivery_id, attempt.attempt);
    return {};
  });
}

StatusOr<WebhookBacklog> WebhookRepo::Backlog() {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<WebhookBacklog> {
    const pqxx::row row = tx.exec1(kBacklog);
    return WebhookBacklog{row["pending"].as<int64_t>(), row["oldest"].as<double>()};
  });
}

StatusOr<int64_t> WebhookRepo::Purge(std::chrono::hours age) {
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<int64_t> {
    return static_cast<int64_t>(tx.exec_params(kPurgeDeliveries, static_cast<int64_t>(age.count())).affected_rows());
  });
}

}  // namespace vora::metadata
