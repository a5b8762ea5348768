#pragma once

// What the load has seen, in figures.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bench/load/http_client.h"

namespace vora::load {

// Times in milliseconds; a percentile sorts.
class Times {
 public:
  void Add(SteadyTime asked);
  double At(double share);

 private:
  std::vector<float> all_;
};

struct Tally {
  // Every answer that was not as it should be; the first few of a kind are said on stderr.
  void Error(const std::string& what, const Answer& answer);
  int64_t errors = 0;

  int64_t views = 0, manifests = 0, segments = 0, segment_bytes = 0, late_segments = 0, cache_hits = 0;
  Times segment_times, manifest_times;

  int64_t event_posts = 0, events = 0;
  Times event_times;

  std::vector<std::string> uploads;  // ids of those whose last byte was acknowledged
  int64_t upload_bytes = 0, open_uploads = 0, most_open_uploads = 0;
  Times patch_times;

 private:
  std::map<std::string, int> said_;
};

}  // namespace vora::load
