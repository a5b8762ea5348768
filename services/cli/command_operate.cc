#include <cstdio>
#include <string>

#include <nlohmann/json.hpp>

#include "libs/core/encoding.h"
#include "services/cli/command_output.h"
#include "services/cli/commands.h"
#include "services/cli/progress.h"

namespace vora::cli {
namespace {

using nlohmann::json;

// "no limit", or the number.
std::string Limit(const json& settings, const char* key) {
  const json& value = settings.at(key);
  return value == 0 ? "no limit" : value.dump();
}

std::string Retention(const json& settings) {
  if (!settings.contains("retention_days")) return "as everybody's";
  return settings["retention_days"] == 0 ? "for ever" : settings["retention_days"].dump() + " days";
}

void PrintSettings(const json& settings) {
  std::printf("%s%s\n", settings.value(settings.contains("queue") ? "queue" : "tenant", "").c_str(),
              settings.value("paused", false) ? "  PAUSED: nothing of it begins" : "");
  if (settings.contains("weight")) std::printf("  weight                 %s\n", settings["weight"].dump().c_str());
  std::printf("  max running            %s\n", Limit(settings, "max_running").c_str());
  std::printf("  max starts per second  %s\n", Limit(settings, "max_starts_per_second").c_str());
  if (settings.contains("weight")) std::printf("  retention              %s\n", Retention(settings).c_str());
}

void PrintQueues(const json& fleet) {
  if (const std::string error = fleet.value("orchestrator_error", ""); !error.empty()) std::printf("%s\n", error.c_str());
  std::printf("%-24s  %-7s  %7s  %7s  %7s  %7s  %s\n", "QUEUE", "STATE", "READY", "DELAYED", "HELD", "RUNNING", "OLDEST WAITS");
  for (const auto& queue : fleet.value("queues", json::array())) {
    const double oldest = queue.value("oldest_ready_seconds", 0.0);
    std::printf("%-24s  %-7s  %7lld  %7lld  %7lld  %7lld  %s\n", queue.value("name", "").c_str(),
                queue.value("paused", false) ? "paused" : "open", queue.value("ready", 0LL), queue.value("delayed", 0LL),
                queue.value("held", 0LL), queue.value("running", 0LL), oldest > 0 ? FormatSeconds(oldest).c_str() : "-");
  }
}

// Without anything to set it is only shown.
int RunSettings(const GlobalOptions& global, const std::string& path, const SettingsArguments& arguments) {
  if (arguments.reset) return CallAndPrint(global, "DELETE", path, PrintSettings);
  json set = json::object();
  if (arguments.pause || arguments.resume) set["paused"] = arguments.pause;
  if (arguments.weight) set["weight"] = *arguments.weight;
  if (arguments.max_running) set["max_running"] = *arguments.max_running;
  if (arguments.max_starts_per_second) set["max_starts_per_second"] = *arguments.max_starts_per_second;
  if (arguments.retention_days) set["retention_days"] = *arguments.retention_days;
  if (set.empty()) return CallAndPrint(global, "GET", path, PrintSettings);
  return CallAndPrint(global, "PATCH", path, PrintSettings, set);
}

}  // namespace

int RunPause(const GlobalOptions& global, const std::string& video_id, const std::string& reason) {
  const json body = reason.empty() ? json::object() : json{{"reason", reason}};
  return CallAndPrint(global, "POST", VideoPath(video_id) + "/pause", PrintPause, body);
}

int RunResume(const GlobalOptions& global, const std::string& video_id) {
  return CallAndPrint(global, "POST", VideoPath(video_id) + "/resume", [](const json&) { std::printf("Processing goes on.\n"); });
}

int RunRetryNow(const GlobalOptions& global, const std::string& video_id, const std::string& activity_id) {
  const json body = activity_id.empty() ? json::object() : json{{"activity_id", activity_id}};
  return CallAndPrint(
      global, "POST", VideoPath(video_id) + "/retry-now",
      [](const json& answer) {
        const int retried = answer.value("retried", 0);
        const std::string stuck = answer.value("stuck_reason", "");
        if (retried > 0) std::printf("Tried again now: %d.\n", retried);
        if (answer.value("tried_parked", false))
          std::printf("%s\n", stuck.empty() ? "The parked run goes on." : ("Still parked: " + stuck).c_str());
        if (retried == 0 && !answer.value("tried_parked", false)) std::printf("Nothing waits for its next attempt.\n");
      },
      body);
}

int RunPriority(const GlobalOptions& global, const std::string& video_id, int priority) {
  return CallAndPrint(global, "POST", VideoPath(video_id) + "/priority",
                      [](const json& video) { std::printf("Priority %d.\n", video.value("priority", 0)); }, {{"priority", priority}});
}

int RunQueues(const GlobalOptions& global) { return CallAndPrint(global, "GET", "/v1/fleet", PrintQueues); }

int RunQueue(const GlobalOptions& global, const SettingsArguments& arguments) {
  return RunSettings(global, "/v1/queues/" + PercentEncode(arguments.name), arguments);
}

int RunTenants(const GlobalOptions& global) {
  return CallAndPrint(global, "GET", "/v1/tenants", [](const json& answer) {
    for (const auto& tenant : answer.value("tenants", json::array())) PrintSettings(tenant);
    if (answer.value("tenants", json::array()).empty()) std::printf("All tenants are as usual.\n");
  });
}

int RunTenant(const GlobalOptions& global, const SettingsArguments& arguments) {
  return RunSettings(global, "/v1/tenants/" + PercentEncode(arguments.name), arguments);
}

}  // namespace vora::cli
