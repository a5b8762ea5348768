#include "services/analytics-ingest/shipper/migrate.h"

#include <cstdlib>

#include "libs/log/log.h"
#include "services/analytics-ingest/shipper/schema.h"

namespace vora::analytics {
namespace {

using clickhouse::Client;
using clickhouse::Quote;

constexpr std::chrono::seconds kMigrateTimeout{60};

// What keeps an acknowledged insert through a power cut, and lets a repeated one be recognised by its token.
constexpr char kDurable[] = "fsync_after_insert = 1, fsync_part_directory = 1";
constexpr char kWindow[] = "non_replicated_deduplication_window = 1000";

Status CreateDatabase(Client& client) {
  const std::string& name = client.options().database;
  const clickhouse::QuerySettings elsewhere = {{"database", "system"}};
  VORA_ASSIGN_OR_RETURN(const std::string found,
                        client.Query("SELECT count() FROM system.databases WHERE name = " + Quote(name), elsewhere));
  if (found == "1\n") return {};  // a user who may not create databases is good enough then
  return client.Query("CREATE DATABASE IF NOT EXISTS " + name, elsewhere, kMigrateTimeout).status();
}

StatusOr<int> Applied(Client& client) {
  VORA_RETURN_IF_ERROR(client
                           .Query("CREATE TABLE IF NOT EXISTS schema_migrations (version UInt32, name String, applied DateTime)"
                                  " ENGINE = MergeTree PARTITION BY tuple() ORDER BY version",
                                  {}, kMigrateTimeout)
                           .status());
  VORA_ASSIGN_OR_RETURN(const std::string version, client.Query("SELECT max(version) FROM schema_migrations"));
  return std::atoi(version.c_str());
}

Status Apply(Client& client, const SchemaMigration& migration) {
  for (const std::string& statement : SplitStatements(migration.sql)) {
    const Status done = client.Query(statement, {}, kMigrateTimeout).status();
    if (!done.ok()) return Annotate(done, "migration " + migration.name);
  }
  log::Info("ClickHouse schema migrated", {{"version", migration.version}, {"name", migration.name}});
  // Last: a crash before this runs the statements again, which they allow.
  return client
      .Query("INSERT INTO schema_migrations (version, name, applied) VALUES (" + std::to_string(migration.version) + ", " +
             Quote(migration.name) + ", now())")
      .status();
}

Status SetUp(Client& client, const std::string& table, const std::string& settings) {
  VORA_ASSIGN_OR_RETURN(const std::string now,
                        client.Query("SELECT create_table_query FROM system.tables WHERE database = " + Quote(client.options().database) +
                                     " AND name = " + Quote(table) + " FORMAT TabSeparatedRaw"));
  if (now.find(settings) != std::string::npos) return {};
  return client.Query("ALTER TABLE " + table + " MODIFY SETTING " + settings, {}, kMigrateTimeout).status();
}

}  // namespace

// Over HTTP ClickHouse takes one statement at a time.
std::vector<std::string> SplitStatements(std::string_view sql) {
  std::vector<std::string> statements;
  std::string current;
  const auto end = [&] {
    if (current.find_first_not_of(" \t\r\n") != std::string::npos)
      statements.push_back(current.substr(current.find_first_not_of(" \t\r\n")));
    current.clear();
  };
  char quote = '\0';
  for (size_t i = 0; i < sql.size(); ++i) {
    const char c = sql[i];
    if (quote != '\0') {
      current += c;
      if (c == '\\' && i + 1 < sql.size()) {
        current += sql[++i];
      } else if (c == quote) {
        quote = '\0';
      }
    } else if (c == ';') {
      end();
    } else if (sql.substr(i, 2) == "--") {
      const size_t line_end = sql.find('\n', i);
      i = (line_end == std::string_view::npos ? sql.size() : line_end) - 1;
    } else {
      if (c == '\'' || c == '"' || c == '`') quote = c;
      current += c;
    }
  }
  end();
  return statements;
}

Status Migrate(Client& client) {
  VORA_ASSIGN_OR_RETURN(const clickhouse::Version version, client.ServerVersion());
  VORA_RETURN_IF_ERROR(CreateDatabase(client));
  VORA_ASSIGN_OR_RETURN(const int applied, Applied(client));
  for (const SchemaMigration& migration : Migrations()) {
    if (migration.version > applied) VORA_RETURN_IF_ERROR(Apply(client, migration));
  }
  if (applied > Migrations().back().version) log::Warn("ClickHouse schema is newer than this program", {{"version", applied}});
  // Older servers refuse settings that they do not know.
  if (!version.AtLeast(22, 2)) return {};
  VORA_RETURN_IF_ERROR(SetUp(client, "playback_events", std::string(kDurable) + ", " + kWindow));
  return SetUp(client, "playback_sessions", kDurable);
}

}  // namespace vora::analytics
