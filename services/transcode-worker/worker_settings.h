#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "libs/media/base/source_limits.h"
#include "libs/settings/settings.h"
#include "libs/storage/roots.h"

namespace vora::transcode {

struct WorkerSettings {
  storage::StorageSettings storage{{storage::Root::kRaw, storage::Root::kProcessed}};
  std::string orchestrator = "127.0.0.1:9085";
  std::string sources;
  int64_t import_slots = 4;
  int64_t import_max_bytes = int64_t{5} << 40;
  bool import_allow_private = false;
  int64_t slots = 0;
  int64_t memory_limit = int64_t{3} << 30;
  std::chrono::milliseconds child_timeout{60000};
  std::chrono::milliseconds cpu_limit{7200 * 1000};
  std::string sandbox = "strict";
  media::SourceLimits source;
  std::chrono::milliseconds max_duration{48 * 3600 * 1000};
  std::chrono::milliseconds max_gap{600 * 1000};

  void Declare(SettingsSchema& schema);
  // `slots`, or what suits this machine.
  int EffectiveSlots() const;
  media::SourceLimits SourceLimits() const;
};

}  // namespace vora::transcode
