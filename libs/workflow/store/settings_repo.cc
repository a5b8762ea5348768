#include "libs/workflow/store/settings_repo_internal.h"

namespace vora::workflow::repo {
namespace {

constexpr char kLockSettings[] = "LOCK TABLE workflow_queues, workflow_tenants, workflow_retention IN SHARE ROW EXCLUSIVE MODE";
constexpr char kReadQueueSettings[] =
    "SELECT queue, paused, max_running, max_starts_per_second FROM workflow_queues WHERE $1 = '' OR queue = $1 ORDER BY queue";
constexpr char kReadTenantSettings[] = R"(
    SELECT tenant, coalesce(paused, false), coalesce(weight, 1), coalesce(max_running, 0), coalesce(max_starts_per_second, 0), days
    FROM workflow_tenants FULL JOIN workflow_retention USING (tenant) WHERE $1 = '' OR tenant = $1 ORDER BY tenant)";
constexpr char kWriteQueueSettings[] = R"(
    INSERT INTO workflow_queues (queue, paused, max_running, max_starts_per_second) VALUES ($1, $2, $3, $4) ON CONFLICT (queue) DO UPDATE
    SET paused = excluded.paused, max_running = excluded.max_running, max_starts_per_second = excluded.max_starts_per_second)";
constexpr char kWriteTenantSettings[] = R"(
    INSERT INTO workflow_tenants (tenant, paused, weight, max_running, max_starts_per_second) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (tenant) DO UPDATE SET paused = excluded.paused, weight = excluded.weight, max_running = excluded.max_running,
    max_starts_per_second = excluded.max_starts_per_second)";
constexpr char kWriteRetention[] = R"(
    INSERT INTO workflow_retention (tenant, days) VALUES ($1, $2) ON CONFLICT (tenant) DO UPDATE SET days = excluded.days)";
constexpr char kDeleteRetention[] = "DELETE FROM workflow_retention WHERE tenant = $1";
constexpr char kDeleteQueueSettings[] = "DELETE FROM workflow_queues WHERE queue = $1";
constexpr char kDeleteTenantSettings[] = "DELETE FROM workflow_tenants WHERE tenant = $1";

}  // namespace

void LockSettings(pqxx::transaction_base& tx) { tx.exec(kLockSettings); }

std::vector<v1::QueueSettings> ReadQueueSettings(pqxx::transaction_base& tx, const std::string& name) {
  std::vector<v1::QueueSettings> all;
  for (const auto& row : tx.exec_params(kReadQueueSettings, name)) {
    auto& settings = all.emplace_back();
    settings.set_queue(row[0].as<std::string>());
    settings.set_paused(row[1].as<bool>());
    settings.set_max_running(row[2].as<int>());
    settings.set_max_starts_per_second(row[3].as<double>());
  }
  return all;
}

std::vector<v1::TenantSettings> ReadTenantSettings(pqxx::transaction_base& tx, const std::string& name) {
  std::vector<v1::TenantSettings> all;
  for (const auto& row : tx.exec_params(kReadTenantSettings, name)) {
    auto& settings = all.emplace_back();
    settings.set_tenant(row[0].as<std::string>());
    settings.set_paused(row[1].as<bool>());
    settings.set_weight(row[2].as<double>());
    settings.set_max_running(row[3].as<int>());
    settings.set_max_starts_per_second(row[4].as<double>());
    if (!row[5].is_null()) settings.set_retention_days(row[5].as<int>());
  }
  return all;
}

void WriteQueueSettings(pqxx::transaction_base& tx, const v1::QueueSettings& settings) {
  tx.exec_params(kWriteQueueSettings, settings.queue(), settings.paused(), settings.max_running(), settings.max_starts_per_second());
}

void WriteTenantSettings(pqxx::transaction_base& tx, const v1::TenantSettings& settings) {
  tx.exec_params(kWriteTenantSettings, settings.tenant(), settings.paused(), settings.weight(), settings.max_running(),
                 settings.max_starts_per_second());
}

void DeleteQueueSettings(pqxx::transaction_base& tx, const std::string& queue) { tx.exec_params(kDeleteQueueSettings, queue); }
void DeleteTenantSettings(pqxx::transaction_base& tx, const std::string& tenant) { tx.exec_params(kDeleteTenantSettings, tenant); }

void WriteRetention(pqxx::transaction_base& tx, const v1::TenantSettings& settings) {
  if (settings.has_retention_days()) {
    tx.exec_params(kWriteRetention, settings.tenant(), settings.retention_days());
  } else {
    tx.exec_params(kDeleteRetention, settings.tenant());
  }
}

}  // namespace vora::workflow::repo
