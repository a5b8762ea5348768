#pragma once

// The settings of the orchestrator.

#include <chrono>
#include <cstdint>
#include <string>

#include "libs/settings/settings.h"

namespace vora::orchestrator {

struct OrchestratorSettings {
  std::string database_url;
  int64_t connections = 16;
  std::chrono::milliseconds lease_grace{5000};

  void Declare(SettingsSchema& schema);
};

}  // namespace vora::orchestrator
