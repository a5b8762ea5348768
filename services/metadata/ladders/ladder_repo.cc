#include "services/metadata/ladders/ladder_repo.h"

#include <algorithm>

#include "libs/core/caller.h"
#include "libs/core/error.h"
#include "libs/core/labels.h"
#include "libs/workflow/definition/payload.h"
#include "services/metadata/rows/ladder_rows_internal.h"
#include "services/metadata/rows/store.h"
#include "services/metadata/rows/video_rows_internal.h"

namespace vora::metadata {
namespace {

constexpr int kMostLadders = 100;  // of a tenant

// Whoever changes ladders waits for whoever is at it: versions are counted, and replicas start at the same time.
constexpr char kLockLadders[] = "SELECT pg_advisory_xact_lock(hashtext('vora.metadata.ladders'))";
// Of one name the tenant's own before the installation's.
constexpr char kVisibleLadders[] = R"(
    SELECT DISTINCT ON (l.name) l.tenant, l.name, l.body::text AS body, l.origin,
    (extract(epoch FROM l.updated_at) * 1000000)::bigint AS updated_us
    FROM ladders l WHERE l.tenant IN ($1, 'default') AND ($2 = '' OR l.name = $2) ORDER BY l.name, l.tenant = $1 DESC)";
constexpr char kLadderVersion[] = R"(
    SELECT body::text AS body, (extract(epoch FROM created_at) * 1000000)::bigint AS created_us FROM ladder_versions
    WHERE tenant = $1 AND name = $2 AND version = $3)";
// Numbers go on after a deletion: a version is one recipe for ever.
constexpr char kNextLadderVersion[] =
    "SELECT coalesce(max(version), 0) + 1 AS version FROM ladder_versions WHERE tenant = $1 AND name = $2";
constexpr char kAddLadderVersion[] = "INSERT INTO ladder_versions (tenant, name, version, body) VALUES ($1, $2, $3, $4::jsonb)";
constexpr char kPutLadder[] = R"(
    INSERT INTO ladders (tenant, name, version, body, origin) VALUES ($1, $2, $3, $4::jsonb, $5) ON CONFLICT (tenant, name)
    DO UPDATE SET version = excluded.version, body = excluded.body, origin = excluded.origin, updated_at = now())";
constexpr char kCountLadders[] = "SELECT count(*) AS ladders FROM ladders WHERE tenant = $1 AND origin = 'own'";
constexpr char kDeleteLadder[] = "DELETE FROM ladders WHERE tenant = $1 AND name = $2";
constexpr char kSetDefaultLadder[] =
    "INSERT INTO default_ladders (tenant, name) VALUES ($1, $2) ON CONFLICT (tenant) DO UPDATE SET name = excluded.name";
constexpr char kIsOwnDefaultLadder[] = "SELECT 1 FROM default_ladders WHERE tenant = $1 AND name = $2";
constexpr char kDropConfigured[] = R"(
    UPDATE default_ladders d SET name = 'default' FROM ladders l
    WHERE d.tenant = 'default' AND l.tenant = d.tenant AND l.name = d.name AND l.origin = 'configured')";

struct LadderRow {
  std::string tenant, origin;
  v1::StoredLadder stored;
};

std::vector<LadderRow> LoadVisible(pqxx::transaction_base& tx, const std::string& tenant, const std::string& name) {
  const pqxx::result in_effect = tx.exec_params(kDefaultLadder, tenant);
  std::vector<LadderRow> rows;
  for (const auto& row : tx.exec_params(kVisibleLadders, tenant, name)) {
    LadderRow& read = rows.emplace_back();
    read.tenant = row["tenant"].c_str();
    read.origin = row["origin"].c_str();
    // One that cannot be read, of a later version, is shown by its name alone.
    (void)workflow::FromPayload(row["body"].c_str(), *read.stored.mutable_ladder());
    read.stored.mutable_ladder()->set_name(row["name"].c_str());
    read.stored.set_is_default(!in_effect.empty() && read.tenant == in_effect[0]["tenant"].c_str() &&
                               read.stored.ladder().name() == in_effect[0]["name"].c_str());
    read.stored.set_origin(read.origin == "shipped"                        ? v1::LADDER_ORIGIN_SHIPPED
                           : read.origin == "own" && read.tenant == tenant ? v1::LADDER_ORIGIN_OWN
                                                                           : v1::LADDER_ORIGIN_INSTALLATION);
    SetTime(row["updated_us"], read.stored.mutable_updated_at());
  }
  return rows;
}

StatusOr<LadderRow> LoadOne(pqxx::transaction_base& tx, const std::string& tenant, const std::string& name) {
  // The database takes no text that is not UTF-8, and the query an empty one for all.
  if (!CheckLadderName("name", name).ok()) return NotFound("there is no ladder of this name: names are 1 to 32 of a-z, 0-9, _ and -");
  auto rows = LoadVisible(tx, tenant, name);
  if (rows.empty()) return NotFound("there is no ladder \"" + name + "\"");
  return std::move(rows.front());
}

bool SameRecipe(media::v1::Ladder a, media::v1::Ladder b) {
  a.clear_version();
  b.clear_version();
  return a.SerializeAsString() == b.SerializeAsString();
}

// The next version of `ladder`, if it is not the newest already. True: it was made.
bool PutIfNew(pqxx::transaction_base& tx, const std::string& tenant, media::v1::Ladder ladder, const LadderRow* newest,
              const std::string& origin) {
  if (newest != nullptr && newest->origin == origin && SameRecipe(ladder, newest->stored.ladder())) return false;
  ladder.set_version(tx.exec_params1(kNextLadderVersion, tenant, ladder.name())["version"].as<int>());
  const std::string body = workflow::ToPayload(ladder);
  tx.exec_params(kAddLadderVersion, tenant, ladder.name(), ladder.version(), body);
  tx.exec_params(kPutLadder, tenant, ladder.name(), ladder.version(), body, origin);
  return true;
}

}  // namespace

Status LadderRepo::Install(const std::vector<media::v1::Ladder>& shipped, const std::optional<media::v1::Ladder>& configured) {
  const std::string tenant = kDefaultTenant;
  return store_.Transact([&](pqxx::work& tx) -> Status {
    tx.exec(kLockLadders);
    const auto install = [&](const media::v1::Ladder& ladder, const std::string& origin) {
      const auto newest = LoadOne(tx, tenant, ladder.name());
      const bool theirs = newest.ok() && newest->origin == "own" && origin == "shipped";
      return !theirs && PutIfNew(tx, tenant, ladder, newest.ok() ? &*newest : nullptr, origin);
    };
    for (const auto& ladder : shipped) {
      if (!configured || configured->name() != ladder.name()) install(ladder, "shipped");
    }
    const bool no_default = tx.exec_params(kDefaultLadder, tenant).empty();
    if (configured) {
      if (install(*configured, "configured") || no_default) tx.exec_params(kSetDefaultLadder, tenant, configured->name());
    } else if (no_default) {
      tx.exec_params(kSetDefaultLadder, tenant, "default");
    } else {
      tx.exec(kDropConfigured);
    }
    return absl::OkStatus();
  });
}

StatusOr<std::vector<v1::StoredLadder>> LadderRepo::List(const std::string& tenant) {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<std::vector<v1::StoredLadder>> {
    std::vector<v1::StoredLadder> ladders;
    for (LadderRow& row : LoadVisible(tx, tenant, "")) ladders.push_back(std::move(row.stored));
    return ladders;
  });
}

StatusOr<v1::StoredLadder> LadderRepo::Get(const std::string& tenant, const std::string& name, int version) {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<v1::StoredLadder> {
    VORA_ASSIGN_OR_RETURN(LadderRow row, LoadOne(tx, tenant, name));
    if (version == 0 || version == row.stored.ladder().version()) return std::move(row.stored);
    const pqxx::result found = tx.exec_params(kLadderVersion, row.tenant, name, version);
    if (found.empty()) return NotFound("there is no version " + std::to_string(version) + " of the ladder \"" + name + "\"");
    row.stored.clear_ladder();
    VORA_RETURN_IF_ERROR(workflow::FromPayload(found[0]["body"].c_str(), *row.stored.mutable_ladder()));
    // Those of before versions do not tell theirs.
    row.stored.mutable_ladder()->set_version(version);
    row.stored.set_is_default(false);
    SetTime(found[0]["created_us"], row.stored.mutable_updated_at());
    return std::move(row.stored);
  });
}

StatusOr<PutLadder> LadderRepo::Put(const std::string& tenant, const media::v1::Ladder& ladder) {
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<PutLadder> {
    tx.exec(kLockLadders);
    const auto visible = LoadOne(tx, tenant, ladder.name());
    const bool own = visible.ok() && visible->stored.origin() == v1::LADDER_ORIGIN_OWN;
    if (visible.ok() && !own && visible->stored.origin() == v1::LADDER_ORIGIN_SHIPPED) {
      return WithDetail(
          FailedPrecondition("name: the ladder \"" + ladder.name() + "\" is shipped and stays as it is; give yours another name"),
          {.field = "name"});
    }
    if (visible.ok() && !own && visible->tenant == tenant) {
      return WithDetail(FailedPrecondition("name: the ladder \"" + ladder.name() + "\" is that of VORA_LADDER; change it there"),
                        {.field = "name"});
    }
    const int newest = own ? visible->stored.ladder().version() : 0;
    if (ladder.version() != 0 && ladder.version() != newest) {
      const std::string now = own ? "it is at version " + std::to_string(newest) + " by now" : "you have none of this name";
      return WithDetail(FailedPrecondition("version: the ladder \"" + ladder.name() + "\" is not at version " +
                                           std::to_string(ladder.version()) + ": " + now),
                        {.field = "version"});
    }
    if (!own && tx.exec_params1(kCountLadders, tenant)["ladders"].as<int>() >= kMostLadders) {
      return WithDetail(FailedPrecondition("name: there are " + std::to_string(kMostLadders) + " ladders already; delete one first"),
                        {.field = "name", .limit = std::to_string(kMostLadders)});
    }
    PutIfNew(tx, tenant, ladder, own ? &*visible : nullptr, "own");
    VORA_ASSIGN_OR_RETURN(LadderRow row, LoadOne(tx, tenant, ladder.name()));
    return PutLadder{std::move(row.stored), !own};
  });
}

Status LadderRepo::Delete(const std::string& tenant, const std::string& name) {
  return store_.Transact([&](pqxx::work& tx) -> Status {
    tx.exec(kLockLadders);
    VORA_ASSIGN_OR_RETURN(const LadderRow row, LoadOne(tx, tenant, name));
    if (row.stored.origin() != v1::LADDER_ORIGIN_OWN) {
      return FailedPrecondition("the ladder \"" + name + "\" is not yours to delete: it is offered to everybody");
    }
    if (!tx.exec_params(kIsOwnDefaultLadder, tenant, name).empty()) {
      return FailedPrecondition("the ladder \"" + name + "\" is the default of new videos; make another one the default first");
    }
    tx.exec_params(kDeleteLadder, tenant, name);
    return absl::OkStatus();
  });
}

StatusOr<v1::StoredLadder> LadderRepo::SetDefault(const std::string& tenant, const std::string& name) {
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<v1::StoredLadder> {
    tx.exec(kLockLadders);
    VORA_RETURN_IF_ERROR(LoadOne(tx, tenant, name).status());
    tx.exec_params(kSetDefaultLadder, tenant, name);
    VORA_ASSIGN_OR_RETURN(LadderRow row, LoadOne(tx, tenant, name));
    return std::move(row.stored);
  });
}

}  // namespace vora::metadata
