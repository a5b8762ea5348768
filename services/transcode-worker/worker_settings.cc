#include "services/transcode-worker/worker_settings.h"

#include <algorithm>
#include <thread>

namespace vora::transcode {

void WorkerSettings::Declare(SettingsSchema& schema) {
  schema.Add("VORA_STORAGE", &storage, "Object store: file:///path or s3://bucket?endpoint=...", {.required = true});
  s3.Declare(schema);
  schema.Add("VORA_ORCHESTRATOR", &orchestrator, "host:port of the orchestrator");
  schema.Add("VORA_WORKER_SLOTS", &slots, "Chunks (with all their renditions) encoded at the same time; 0: as suits the processors",
             {.min = 0, .max = 256});
  schema.AddBytes("VORA_WORKER_MEMORY_LIMIT", &memory_limit, "Writable memory of each decoder or encoder process",
                  {.min = int64_t{128} << 20});
  schema.Add("VORA_WORKER_CHILD_TIMEOUT", &child_timeout, "A decoder or encoder process without any progress for so long is ended",
             {.min = 1000});
}

int WorkerSettings::EffectiveSlots() const {
  if (slots > 0) return static_cast<int>(slots);
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 2U, 16U));
}

}  // namespace vora::transcode
