#include "services/metadata/rows/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "services/metadata/rows/video_state.h"

namespace vora::metadata {
namespace {

constexpr std::string_view kPublishType = "media.PublishTrack";
constexpr std::string_view kPinType = "media.PinSource", kCopyType = "media.CopySource";
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

RenditionView Advance(RenditionView rendition, const ActivitySums& activities) {
  if (IsFinal(rendition.state)) return rendition;
  double in_flight = 0;
  bool started = false;
  bool retrying = false;
  std::string failure;
  for (const auto& sum : activities) {
    if (!sum.activity_type().starts_with(kMediaPrefix) || sum.name() != rendition.name) continue;
    for (const auto& retried : sum.retried()) {
      int& seen = rendition.attempts[retried.activity_id()];
      seen = std::max(seen, retried.attempt());
    }
    if (sum.failed() > 0) {
      retrying = true;
      failure = sum.failure();
    }
    started = started || sum.running() > 0;
    // Publishing makes no segments; as progress of the whole rendition it would count them twice.
    if (sum.activity_type() != kPublishType) in_flight += sum.progress();
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

ImportView Advance(ImportView import, const ActivitySums& activities) {
  import.problem.clear();
  for (const auto& sum : activities) {
    const bool copies = sum.activity_type() == kCopyType;
    if (!copies && sum.activity_type() != kPinType) continue;
    if (sum.failed() > 0) import.problem = sum.failure();
    // A file that changed is copied anew, from its beginning.
    if (copies) import.percent = static_cast<int>(ClampPercent(100 * sum.progress(), 99));
  }
  return import;
}

bool Differs(const RenditionView& a, const RenditionView& b) {
  return a.state != b.state || a.progress_percent != b.progress_percent || a.attempts != b.attempts || a.failure != b.failure;
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
