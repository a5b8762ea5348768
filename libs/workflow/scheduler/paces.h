#pragma once

// How fast tasks were done lately: seconds for an encode-second. Nothing of it is stored; a process that has seen little knows little.

#include <cstdint>
#include <deque>
#include <map>
#include <string>

namespace vora::workflow::scheduler {

class Paces {
 public:
  // A part of what the attempt under `lease` does was told of before its end.
  void PartEnded(int64_t lease, double cost);
  // It ended well; `cost` is that of the rest.
  void Ended(const std::string& worker_id, int64_t lease, double cost, double seconds);
  // Medians; 0: unknown.
  double Usual() const;
  double Of(const std::string& worker_id) const;

 private:
  struct Sample {
    std::string worker_id;
    double pace = 0;
  };
  std::deque<Sample> samples_;  // the last ones
  std::map<int64_t, double> parts_;
};

}  // namespace vora::workflow::scheduler
