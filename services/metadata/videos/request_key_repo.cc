#include "services/metadata/videos/request_key_repo.h"

#include <nlohmann/json.hpp>

#include "libs/core/error.h"
#include "services/metadata/rows/store.h"

namespace vora::metadata {
namespace {

// One whose lease is over died with its replica: what it did stands in the rows that it wrote, so that doing it again is no harm.
constexpr char kBeginKey[] = R"(
    INSERT INTO request_keys AS r (tenant, key, fingerprint, locked_until) VALUES ($1, $2, $3, now() + make_interval(secs => $4 / 1000.0))
    ON CONFLICT (tenant, key) DO UPDATE SET locked_until = excluded.locked_until
    WHERE r.status IS NULL AND r.locked_until < now() AND r.fingerprint = excluded.fingerprint)";
constexpr char kFindKey[] =
    "SELECT fingerprint, coalesce(status, 0) AS status, headers::text AS headers, body FROM request_keys WHERE tenant = $1 AND key = $2";
constexpr char kEndKey[] = "UPDATE request_keys SET status = $3, headers = $4, body = $5 WHERE tenant = $1 AND key = $2";
constexpr char kForgetKey[] = "DELETE FROM request_keys WHERE tenant = $1 AND key = $2 AND status IS NULL";
constexpr char kPurgeKeys[] = "DELETE FROM request_keys WHERE created_at < now() - make_interval(hours => $1)";

Status InProgress() {
  return MakeError(errors::kRequestInProgress, "a request with this Idempotency-Key is being carried out; ask again in a moment",
                   {.field = "Idempotency-Key", .retry_after = 1});
}

}  // namespace

StatusOr<std::optional<KeyedAnswer>> RequestKeyRepo::Begin(const KeyedRequest& request) {
  std::optional<KeyedAnswer> answer;
  VORA_RETURN_IF_ERROR(store_.Transact([&](pqxx::work& tx) -> Status {
    answer.reset();
    const int64_t lease_ms = lease_.count();
    if (tx.exec_params(kBeginKey, request.tenant, request.key, request.fingerprint, lease_ms).affected_rows() == 1) return absl::OkStatus();
    const pqxx::result found = tx.exec_params(kFindKey, request.tenant, request.key);
    // Forgotten between the two statements.
    if (found.empty()) return InProgress();
    if (found[0]["fingerprint"].c_str() != request.fingerprint) {
      return MakeError(errors::kIdempotencyKeyReused, "this Idempotency-Key was used for another request; give each request its own",
                       {.field = "Idempotency-Key"});
    }
    const int status = found[0]["status"].as<int>();
    if (status == 0) return InProgress();
    answer.emplace();
    answer->status = status;
    answer->headers = nlohmann::json::parse(found[0]["headers"].c_str()).get<std::map<std::string, std::string>>();
    answer->body = found[0]["body"].c_str();
    return absl::OkStatus();
  }));
  return answer;
}

Status RequestKeyRepo::End(const KeyedRequest& request, const KeyedAnswer& answer) {
  return store_.Transact([&](pqxx::work& tx) -> Status {
    tx.exec_params(kEndKey, request.tenant, request.key, answer.status, nlohmann::json(answer.headers).dump(), answer.body);
    return absl::OkStatus();
  });
}

Status RequestKeyRepo::Forget(const KeyedRequest& request) {
  return store_.Transact([&](pqxx::work& tx) -> Status {
    tx.exec_params(kForgetKey, request.tenant, request.key);
    return absl::OkStatus();
  });
}

Status RequestKeyRepo::Purge(std::chrono::hours age) {
  return store_.Transact([&](pqxx::work& tx) -> Status {
    tx.exec_params(kPurgeKeys, static_cast<int>(age.count()));
    return absl::OkStatus();
  });
}

}  // namespace vora::metadata
