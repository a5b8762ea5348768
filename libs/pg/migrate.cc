#include "libs/pg/migrate.h"

#include <cstdio>
#include <map>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/log/log.h"

namespace vora::pg {
namespace {

constexpr const char* kLock = "SELECT pg_advisory_xact_lock(8607214930451)";  // any number that nobody else takes
// Before the lock: a replica waits there for as long as another one's migration takes.
constexpr const char* kNoTimeout = "SET LOCAL statement_timeout = 0";
constexpr const char* kCreateTable =
    "CREATE TABLE IF NOT EXISTS vora_migrations ("
    " component text NOT NULL, version integer NOT NULL, name text NOT NULL, checksum text NOT NULL,"
    " applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (component, version))";
constexpr const char* kSelectApplied = "SELECT version, checksum FROM vora_migrations WHERE component = $1";
constexpr const char* kInsertApplied = "INSERT INTO vora_migrations (component, version, name, checksum) VALUES ($1, $2, $3, $4)";

std::string Title(const std::string& component, const Migration& migration) {
  char number[16];
  std::snprintf(number, sizeof number, "%04d", migration.version);
  return "migration " + component + "/" + number + "_" + migration.name;
}

std::string Checksum(const Migration& migration) { return HexEncode(Sha256(migration.sql)); }

Status CheckNumbers(const std::string& component, const std::vector<Migration>& migrations) {
  for (size_t i = 0; i < migrations.size(); ++i) {
    if (migrations[i].version != static_cast<int>(i) + 1) {
      return InvalidArgument(Title(component, migrations[i]) + ": versions must run from 1 without gaps");
    }
  }
  return absl::OkStatus();
}

// Applies the first migration that is missing; `done` when there is none. Every step takes the lock anew and looks again, so that replicas
// which start together take turns.
Status ApplyNext(pqxx::work& tx, const std::string& component, const std::vector<Migration>& migrations, bool& done, std::string& title) {
  tx.exec(kNoTimeout);
  tx.exec(kLock);
  // Under the lock, since IF NOT EXISTS does not keep two sessions from making the table at once, and one would fail.
  tx.exec(kCreateTable);
  std::map<int, std::string> applied;
  for (const auto& row : tx.exec_params(kSelectApplied, component)) applied[row[0].as<int>()] = row[1].as<std::string>();
  done = true;
  for (const Migration& migration : migrations) {
    const auto found = applied.find(migration.version);
    title = Title(component, migration);
    if (found != applied.end()) {
      if (found->second == Checksum(migration)) continue;
      return FailedPrecondition("was changed after it had been applied; put it back and add a new migration instead");
    }
    done = false;
    tx.exec(migration.sql);
    tx.exec_params(kInsertApplied, component, migration.version, migration.name, Checksum(migration));
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

}  // namespace

Status Migrate(Database& db, const std::string& component, const std::vector<Migration>& migrations) {
  VORA_RETURN_IF_ERROR(CheckNumbers(component, migrations));
  bool done = false;
  while (!done) {
    std::string title = "migrations of " + component;
    const Status status = db.Transact([&](pqxx::work& tx) { return ApplyNext(tx, component, migrations, done, title); });
    if (!status.ok()) return Annotate(status, title);
    if (!done) log::Info("migration applied", {{"migration", title}});
  }
  return absl::OkStatus();
}

}  // namespace vora::pg
