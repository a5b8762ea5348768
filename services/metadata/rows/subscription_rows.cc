#include <algorithm>

#include "libs/core/error.h"
#include "libs/core/ids.h"
#include "libs/core/text.h"
#include "services/metadata/rows/subscription_rows_internal.h"

namespace vora::metadata {
namespace {

constexpr size_t kMaxSubscriptionName = 63;

constexpr char kFindSubscription[] = R"(
    SELECT webhook_id, fetched_at < now() - interval '1 hour' AS stale FROM webhooks WHERE tenant = $1 AND subscription = $2
    AND subscription <> '')";
constexpr char kLockSubscriptions[] = "SELECT pg_advisory_xact_lock(hashtext('vora.subscriptions.' || $1))";
constexpr char kCountSubscriptions[] = "SELECT count(*) FROM webhooks WHERE tenant = $1 AND subscription <> ''";
constexpr char kSubscribe[] = R"(
    INSERT INTO webhooks (webhook_id, tenant, url, events, secret, enabled, subscription, fetched_at)
    VALUES ($1, $2, '', '{}', '', false, $3, now()))";
constexpr char kFetched[] = "UPDATE webhooks SET fetched_at = now() WHERE webhook_id = $1";
constexpr char kRecipientsSoFar[] = R"(
    SELECT count(*) AS recipients, coalesce(bool_or(recipient = $3), false) AS known FROM video_recipients
    WHERE webhook_id = $1 AND video_id = $2)";
constexpr char kAddRecipient[] = "INSERT INTO video_recipients (webhook_id, video_id, recipient) VALUES ($1, $2, $3)";

}  // namespace

Status CheckSubscription(const std::string& name) {
  const bool allowed = std::all_of(name.begin(), name.end(),
                                   [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
  if (allowed && !name.empty() && name.size() <= kMaxSubscriptionName) return absl::OkStatus();
  return InvalidField("subscription", "must have 1 to 63 characters of a to z, 0 to 9, '-' and '_'", "63 characters");
}

Status CheckRecipient(const std::string& recipient) {
  const bool stored = IsValidUtf8(recipient) && recipient.find('\0') == std::string::npos;
  if (stored && !recipient.empty() && recipient.size() <= kMaxRecipientBytes) return absl::OkStatus();
  return InvalidField("recipient", "must be UTF-8 of 1 to 2000 bytes", "2000 bytes");
}

StatusOr<std::string> FindOrSubscribe(pqxx::transaction_base& tx, const std::string& tenant, const std::string& name) {
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

Status AddRecipient(pqxx::transaction_base& tx, const std::string& subscription_id, const std::string& video_id,
                    const std::string& recipient) {
  const pqxx::row so_far = tx.exec_params1(kRecipientsSoFar, subscription_id, video_id, recipient);
  if (so_far["known"].as<bool>()) return absl::OkStatus();
  if (so_far["recipients"].as<int>() >= kMaxRecipients) {
    const std::string limit = std::to_string(kMaxRecipients) + " recipients";
    return WithDetail(FailedPrecondition("recipient: the video " + video_id + " has " + limit + " already, which is the limit"),
                      {.field = "recipient", .limit = limit});
  }
  tx.exec_params(kAddRecipient, subscription_id, video_id, recipient);
  return absl::OkStatus();
}

}  // namespace vora::metadata
