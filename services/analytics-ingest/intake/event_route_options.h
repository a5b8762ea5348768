#pragma once

// What one request of events may be.

#include <cstdint>
#include <string>
#include <vector>

namespace vora::analytics {

struct EventRouteOptions {
  int64_t max_body_bytes = 1 << 20;
  int64_t max_events = 5000;               // of one request
  int64_t max_bytes_in_flight = 16 << 20;  // of all bodies being read or waiting for the disk
  std::vector<std::string> cors_origins{"*"};
};

}  // namespace vora::analytics
