#pragma once

// The settings of the orchestrator.

#include <chrono>
#include <cstdint>
#include <string>

#include "libs/settings/settings.h"
#include "libs/workflow/service/engine_host.h"

namespace vora::orchestrator {

struct OrchestratorSettings {
  std::string database_url;
  int64_t connections = 16;
  std::chrono::milliseconds lease_grace{5000};
  int64_t replay_cache_bytes = int64_t{256} << 20;
  int64_t retention_days = 30, retention_id_days = 400;
  std::string retention_export;
  bool second_attempts = true;

  void Declare(SettingsSchema& schema);
  // All but who may call.
  workflow::EngineHostOptions HostOptions() const;
};

}  // namespace vora::orchestrator
