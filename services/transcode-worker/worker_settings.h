#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "libs/core/settings.h"
#include "libs/storage/s3_credentials.h"

namespace vora::transcode {

struct WorkerSettings {
  std::string storage;
  storage::S3Credentials s3;
  std::string orchestrator = "127.0.0.1:9085";
  int64_t slots = 0;
  int64_t memory_limit = int64_t{3} << 30;
  std::chrono::milliseconds child_timeout{60000};

  void Declare(SettingsSchema& schema);
  // `slots`, or what suits this machine.
  int EffectiveSlots() const;
};

}  // namespace vora::transcode
