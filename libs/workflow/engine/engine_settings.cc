#include "libs/core/error.h"
#include "libs/log/log.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/engine/engine_internal.h"
#include "libs/workflow/store/settings_repo_internal.h"

// What operators set for queues and tenants.

namespace vora::workflow {
namespace {

constexpr size_t kMaxSettingsName = 200;
constexpr int kMostRunning = 1'000'000;
constexpr double kMostStartsPerSecond = 1'000'000;
constexpr double kLeastWeight = 0.001, kMostWeight = 1000;
constexpr int kUsualRetention = -1, kMostRetentionDays = 36'500;

Status CheckSettingsName(const char* field, const std::string& name) {
  if (name.empty() || name.size() > kMaxSettingsName) return InvalidField(field, "must have 1 to 200 bytes", "200 bytes");
  return CheckPayload(field, name);
}

Status CheckLimits(int max_running, double max_starts_per_second) {
  if (max_running < 0 || max_running > kMostRunning) return InvalidField("max_running", "must be 0 (no limit) to 1000000", "1000000");
  // The comparison is false for NaN too.
  if (!(max_starts_per_second >= 0 && max_starts_per_second <= kMostStartsPerSecond)) {
    return InvalidField("max_starts_per_second", "must be 0 (no limit) to 1000000", "1000000");
  }
  return {};
}

v1::QueueSettings UsualQueue(const std::string& queue) {
  v1::QueueSettings settings;
  settings.set_queue(queue);
  return settings;
}

v1::TenantSettings UsualTenant(const std::string& tenant) {
  v1::TenantSettings settings;
  settings.set_tenant(tenant);
  settings.set_weight(1);
  return settings;
}

bool Limited(int max_running, double max_starts_per_second) { return max_running > 0 || max_starts_per_second > 0; }
bool IsUsual(const v1::QueueSettings& s) { return !s.paused() && !Limited(s.max_running(), s.max_starts_per_second()); }
// Of what transitions ask for.
bool IsUsual(const v1::TenantSettings& s) { return !s.paused() && s.weight() == 1 && !Limited(s.max_running(), s.max_starts_per_second()); }

}  // namespace

StatusOr<v1::ListQueueSettingsResponse> Engine::ListQueueSettings() {
  return impl_->Read([](pqxx::nontransaction& tx) -> StatusOr<v1::ListQueueSettingsResponse> {
    v1::ListQueueSettingsResponse response;
    for (auto& settings : repo::ReadQueueSettings(tx, "")) *response.add_queues() = std::move(settings);
    return response;
  });
}

StatusOr<v1::QueueSettings> Engine::GetQueueSettings(const std::string& queue) {
  VORA_RETURN_IF_ERROR(CheckSettingsName("queue", queue));
  return impl_->Read([&](pqxx::nontransaction& tx) -> StatusOr<v1::QueueSettings> {
    const auto found = repo::ReadQueueSettings(tx, queue);
    return found.empty() ? UsualQueue(queue) : found.front();
  });
}

StatusOr<v1::QueueSettings> Engine::SetQueueSettings(const v1::SetQueueSettingsRequest& request) {
  const std::string& queue = request.queue();
  VORA_RETURN_IF_ERROR(CheckSettingsName("queue", queue));
  VORA_RETURN_IF_ERROR(CheckLimits(request.max_running(), request.max_starts_per_second()));
  v1::QueueSettings settings;
  VORA_RETURN_IF_ERROR(impl_->Write([&](pqxx::work& tx) -> Status {
    repo::LockSettings(tx);
    const auto found = repo::ReadQueueSettings(tx, queue);
    settings = found.empty() ? UsualQueue(queue) : found.front();
    if (request.has_paused()) settings.set_paused(request.paused());
    if (request.has_max_running()) settings.set_max_running(request.max_running());
    if (request.has_max_starts_per_second()) settings.set_max_starts_per_second(request.max_starts_per_second());
    IsUsual(settings) ? repo::DeleteQueueSettings(tx, queue) : repo::WriteQueueSettings(tx, settings);
    return {};
  }));
  log::Info("settings of a queue", {{"queue", queue},
                                    {"paused", settings.paused()},
                                    {"max_running", settings.max_running()},
                                    {"max_starts_per_second", settings.max_starts_per_second()}});
  impl_->wake.QueueReady(queue);
  return settings;
}

StatusOr<v1::QueueSettings> Engine::ResetQueueSettings(const std::string& queue) {
  v1::SetQueueSettingsRequest usual;
  usual.set_queue(queue);
  usual.set_paused(false);
  usual.set_max_running(0);
  usual.set_max_starts_per_second(0);
  return SetQueueSettings(usual);
}

StatusOr<v1::ListTenantSettingsResponse> Engine::ListTenantSettings() {
  return impl_->Read([](pqxx::nontransaction& tx) -> StatusOr<v1::ListTenantSettingsResponse> {
    v1::ListTenantSettingsResponse response;
    for (auto& settings : repo::ReadTenantSettings(tx, "")) *response.add_tenants() = std::move(settings);
    return response;
  });
}

StatusOr<v1::TenantSettings> Engine::GetTenantSettings(const std::string& tenant) {
  VORA_RETURN_IF_ERROR(CheckSettingsName("tenant", tenant));
  return impl_->Read([&](pqxx::nontransaction& tx) -> StatusOr<v1::TenantSettings> {
    const auto found = repo::ReadTenantSettings(tx, tenant);
    return found.empty() ? UsualTenant(tenant) : found.front();
  });
}

StatusOr<v1::TenantSettings> Engine::SetTenantSettings(const v1::SetTenantSettingsRequest& request) {
  const std::string& tenant = request.tenant();
  VORA_RETURN_IF_ERROR(CheckSettingsName("tenant", tenant));
  VORA_RETURN_IF_ERROR(CheckLimits(request.max_running(), request.max_starts_per_second()));
  if (request.has_weight() && !(request.weight() >= kLeastWeight && request.weight() <= kMostWeight)) {
    return InvalidField("weight", "must be 0.001 to 1000", "0.001 to 1000");
  }
  if (request.has_retention_days() && (request.retention_days() < kUsualRetention || request.retention_days() > kMostRetentionDays)) {
    return InvalidField("retention_days", "must be 0 (for ever) to 36500, or -1 (as everybody's)", "36500");
  }
  v1::TenantSettings settings;
  VORA_RETURN_IF_ERROR(impl_->Write([&](pqxx::work& tx) -> Status {
    repo::LockSettings(tx);
    const auto found = repo::ReadTenantSettings(tx, tenant);
    settings = found.empty() ? UsualTenant(tenant) : found.front();
    if (request.has_paused()) settings.set_paused(request.paused());
    if (request.has_weight()) settings.set_weight(request.weight());
    if (request.has_max_running()) settings.set_max_running(request.max_running());
    if (request.has_max_starts_per_second()) settings.set_max_starts_per_second(request.max_starts_per_second());
    if (request.has_retention_days()) settings.set_retention_days(request.retention_days());
    if (settings.retention_days() == kUsualRetention) settings.clear_retention_days();
    IsUsual(settings) ? repo::DeleteTenantSettings(tx, tenant) : repo::WriteTenantSettings(tx, settings);
    repo::WriteRetention(tx, settings);
    return {};
  }));
  log::Info("settings of a tenant", {{"tenant", tenant},
                                     {"paused", settings.paused()},
                                     {"weight", settings.weight()},
                                     {"max_running", settings.max_running()},
                                     {"max_starts_per_second", settings.max_starts_per_second()},
                                     {"retention_days", settings.has_retention_days() ? settings.retention_days() : kUsualRetention}});
  impl_->wake.QueueReady("");
  return settings;
}

StatusOr<v1::TenantSettings> Engine::ResetTenantSettings(const std::string& tenant) {
  v1::SetTenantSettingsRequest usual;
  usual.set_tenant(tenant);
  usual.set_paused(false);
  usual.set_weight(1);
  usual.set_max_running(0);
  usual.set_max_starts_per_second(0);
  usual.set_retention_days(kUsualRetention);
  return SetTenantSettings(usual);
}

}  // namespace vora::workflow
