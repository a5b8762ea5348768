#include "services/transcode-worker/worker_settings.h"

#include <algorithm>
#include <thread>

#include "libs/sources/source_spec.h"

namespace vora::transcode {

void WorkerSettings::Declare(SettingsSchema& schema) {
  storage.Declare(schema);
  schema.Add("VORA_ORCHESTRATOR", &orchestrator, "host:port of the orchestrator");
  schema.Add("VORA_WORKER_SLOTS", &slots, "Chunks (with all their renditions) encoded at the same time; 0: as suits the processors",
             {.min = 0, .max = 256});
  schema.Add("VORA_SOURCES", &sources, sources::kSourcesHelp);
  schema.Add("VORA_WORKER_IMPORT_SLOTS", &import_slots, "Files brought in at the same time, beside what is encoded; 0: none by this worker",
             {.min = 0, .max = 64});
  schema.AddBytes("VORA_IMPORT_MAX_BYTES", &import_max_bytes, "Size of a file that is imported", {.min = 1});
  schema.Add("VORA_IMPORT_ALLOW_PRIVATE", &import_allow_private,
             "whether URLs of private addresses may be imported, for servers inside the same network");
  schema.AddBytes("VORA_WORKER_MEMORY_LIMIT", &memory_limit, "Writable memory of each decoder or encoder process",
                  {.min = int64_t{128} << 20});
  schema.Add("VORA_WORKER_CHILD_TIMEOUT", &child_timeout, "A decoder or encoder process without any progress for so long is ended",
             {.min = 1000});
  schema.Add("VORA_WORKER_CPU_LIMIT", &cpu_limit,
             "Processor time of each decoder or encoder process; the ones that look at a source have a quarter of it", {.min = 10'000});
  schema.Add("VORA_WORKER_SANDBOX", &sandbox,
             "strict: no decoding without a filter of system calls (seccomp); relaxed: the other layers will do, with a warning",
             {.choices = {"strict", "relaxed"}});
  schema.Add("VORA_MAX_SOURCE_PIXELS", &source.max_pixels, "Pixels of one picture of a source; a side has at most 8192", {.min = 1 << 16});
  schema.Add("VORA_MAX_SOURCE_DURATION", &max_duration, "Length of a source", {.min = 1000});
  schema.Add("VORA_MAX_SOURCE_GAP", &max_gap, "How long a source may have neither video nor audio; a longer claim at its end is cut away",
             {.min = 1000});
  schema.Add("VORA_MAX_SOURCE_FRAMES", &source.max_frames, "Pictures of a source", {.min = 1});
  schema.Add("VORA_MAX_SOURCE_STREAMS", &source.max_streams, "Tracks of a source, of all kinds", {.min = 1, .max = 4000});
  schema.AddBytes("VORA_MAX_SOURCE_HEADER", &source.max_header_bytes, "Size of the index (moov) of an MP4 file, unpacked",
                  {.min = 1 << 20});
  schema.Add("VORA_MAX_SOURCE_CHANNELS", &source.max_channels, "Channels of an audio track; one with more is left out with a warning",
             {.min = 1, .max = 1024});
  schema.Add("VORA_MAX_SOURCE_SAMPLE_RATE", &source.max_sample_rate,
             "Samples a second of an audio track; one with more, or fewer than 1000, is left out with a warning", {.min = 8000});
}

media::SourceLimits WorkerSettings::SourceLimits() const {
  media::SourceLimits limits = source;
  limits.max_duration_seconds = static_cast<double>(max_duration.count()) / 1000;
  limits.max_gap_seconds = static_cast<double>(max_gap.count()) / 1000;
  return limits;
}

int WorkerSettings::EffectiveSlots() const {
  if (slots > 0) return static_cast<int>(slots);
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 2U, 16U));
}

}  // namespace vora::transcode
