#include "services/transcode-worker/activities/speed_meter.h"

#include <algorithm>

namespace vora::transcode {
namespace {

constexpr std::chrono::seconds kWindow{60};

}  // namespace

void SpeedMeter::Add(double media_seconds, TimePoint now) {
  std::lock_guard lock(mutex_);
  while (!samples_.empty() && now - samples_.front().time > kWindow) samples_.pop_front();
  samples_.push_back({now, media_seconds});
}

double SpeedMeter::PerSecond(TimePoint now) const {
  std::lock_guard lock(mutex_);
  double sum = 0;
  std::chrono::duration<double> span{1};
  for (const Sample& sample : samples_) {
    if (now - sample.time > kWindow) continue;
    sum += sample.media_seconds;
    span = std::max<std::chrono::duration<double>>(span, now - sample.time);
  }
  return sum / span.count();
}

}  // namespace vora::transcode
