#pragma once

// How fast this worker encodes: output media seconds, over all renditions, per wall second. Thread-safe.

#include <chrono>
#include <deque>
#include <mutex>

namespace vora::transcode {

class SpeedMeter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  // `media_seconds` of one rendition were published at `now`.
  void Add(double media_seconds, TimePoint now = std::chrono::steady_clock::now());
  // Over the last minute, or since the first segment when that is less long ago (but never less than a second); 0 when idle.
  double PerSecond(TimePoint now = std::chrono::steady_clock::now()) const;

 private:
  struct Sample {
    TimePoint time;
    double media_seconds;
  };
  mutable std::mutex mutex_;
  std::deque<Sample> samples_;  // of the last minute
};

}  // namespace vora::transcode
