#include "services/metadata/videos/ladder_repo.h"

#include "libs/workflow/definition/payload.h"
#include "services/metadata/rows/store.h"

namespace vora::metadata {
namespace {

// Replicas start at the same time: the lock makes "one default" a queue instead of a unique violation.
constexpr char kLock[] = "SELECT pg_advisory_xact_lock(hashtext('vora.metadata.ladders'))";
constexpr char kClearDefault[] = "UPDATE ladders SET is_default = false WHERE tenant = $1 AND is_default AND name <> $2";
constexpr char kPut[] = R"(
    INSERT INTO ladders (tenant, name, body, is_default) VALUES ($1, $2, $3::jsonb, true)
    ON CONFLICT (tenant, name) DO UPDATE SET body = excluded.body, is_default = true, updated_at = now())";
constexpr char kList[] = R"(
    SELECT body::text AS body, is_default FROM ladders WHERE tenant = CASE WHEN EXISTS (SELECT 1 FROM ladders WHERE tenant = $1)
    THEN $1 ELSE 'default' END ORDER BY name)";

}  // namespace

Status LadderRepo::PutDefault(const std::string& tenant, const media::v1::Ladder& ladder) {
  return store_.Transact([&](pqxx::work& tx) -> Status {
    tx.exec(kLock);
    tx.exec_params(kClearDefault, tenant, ladder.name());
    tx.exec_params(kPut, tenant, ladder.name(), workflow::ToPayload(ladder));
    return absl::OkStatus();
  });
}

StatusOr<std::vector<StoredLadder>> LadderRepo::List(const std::string& tenant) {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<std::vector<StoredLadder>> {
    std::vector<StoredLadder> ladders;
    for (const auto& row : tx.exec_params(kList, tenant)) {
      StoredLadder& stored = ladders.emplace_back();
      VORA_RETURN_IF_ERROR(workflow::FromPayload(row["body"].c_str(), stored.ladder));
      stored.is_default = row["is_default"].as<bool>();
    }
    return ladders;
  });
}

}  // namespace vora::metadata
