#include "services/metadata/rows/progress.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "services/metadata/rows/video_state.h"

namespace vora::metadata {
namespace {

constexpr std::string_view kMediaPrefix = "media.";
constexpr std::string_view kPublishType = "media.PublishTrack";
constexpr std::string_view kChunkPart = "/chunk/";
// Audio costs next to nothing beside pictures; never nothing, so that an audio-only share still moves.
constexpr double kAudioWeight = 20'000;

int64_t ClampPercent(double percent, int64_t highest) {
  if (!(percent > 0)) return 0;
  // Sums of fractions come out a hair below the whole per cent that they mean.
  return std::min<int64_t>(static_cast<int64_t>(std::floor(percent + 1e-9)), highest);
}

double Weight(const RenditionView& rendition) {
  if (!rendition.is_video) return kAudioWeight;
  return std::max(1.0, static_cast<double>(rendition.width) * rendition.height);
}

}  // namespace

std::string_view RenditionOfActivity(std::string_view activity_id) { return activity_id.substr(0, activity_id.find('/')); }

int ChunkOfActivity(std::string_view activity_id) {
  const size_t at = activity_id.find(kChunkPart);
  if (at == std::string_view::npos) return -1;
  const std::string_view digits = activity_id.substr(at + kChunkPart.size());
  int chunk = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), chunk);
  if (error != std::errc() || end == digits.data() || (end != digits.data() + digits.size() && *end != '/') || chunk < 0) return -1;
  return chunk;
}

RenditionView Advance(RenditionView rendition, const ChunkLengths& chunks, const std::vector<ActivityView>& activities) {
  if (IsFinal(rendition.state)) return rendition;
  double in_flight = 0;
  bool started = false;
  bool retrying = false;
  std::string failure;
  for (const ActivityView& activity : activities) {
    if (activity.activity_type.rfind(kMediaPrefix, 0) != 0) continue;
    if (RenditionOfActivity(activity.activity_id) != rendition.name) continue;
    if (activity.attempt > 1) {
      int& seen = rendition.attempts[activity.activity_id];
      seen = std::max(seen, activity.attempt);
    }
    if (activity.attempt > 1 && activity.has_failure) {
      retrying = true;
      failure = activity.failure;
    }
    started = started || activity.started;
    // Publishing makes no segments; as progress of the whole rendition it would count them twice.
    if (activity.activity_type == kPublishType) continue;
    const auto chunk = chunks.find(ChunkOfActivity(activity.activity_id));
    // Audio has no chunks: its one activity makes all of them.
    const int length = chunk == chunks.end() ? rendition.segments_total : chunk->second;
    in_flight += std::clamp(activity.progress, 0.0, 1.0) * length;
  }
  if (retrying) {
    rendition.state = v1::RENDITION_STATE_RETRYING;
    rendition.failure = failure;
  } else if (started || rendition.segments_done > 0 || rendition.state == v1::RENDITION_STATE_RETRYING) {
    rendition.state = v1::RENDITION_STATE_PROCESSING;
    rendition.failure.clear();
  }
  if (rendition.segments_total > 0) {
    const double percent = 100.0 * (rendition.segments_done + in_flight) / rendition.segments_total;
    rendition.progress_percent = std::max(rendition.progress_percent, static_cast<int>(ClampPercent(percent, 99)));
  }
  return rendition;
}

int Retries(const RenditionView& rendition) {
  int retries = 0;
  for (const auto& [id, attempts] : rendition.attempts) retries += std::max(0, attempts - 1);
  return retries;
}

int VideoPercent(const std::vector<RenditionView>& renditions) {
  double done = 0, all = 0;
  for (const RenditionView& rendition : renditions) {
    // What failed is given up and would keep the video below 100 for ever.
    if (rendition.state == v1::RENDITION_STATE_FAILED) continue;
    const double weight = Weight(rendition);
    all += weight;
    done += weight * (rendition.state == v1::RENDITION_STATE_DONE ? 100 : rendition.progress_percent);
  }
  return all > 0 ? static_cast<int>(ClampPercent(done / all, 100)) : 0;
}

}  // namespace vora::metadata
