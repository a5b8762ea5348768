#pragma once

// Hands the erasure of a viewer's data to analytics-ingest. Thread-safe; blocks until it is done.

#include <atomic>
#include <memory>
#include <string>

#include "libs/core/status.h"
#include "vora/analytics/v1/analytics.pb.h"

namespace vora::metadata {

class ViewerErasure {
 public:
  explicit ViewerErasure(const std::string& target);  // host:port of analytics-ingest's gRPC; empty: not configured
  ~ViewerErasure();
  // INVALID_ARGUMENT: `viewer_id` is not 1 to 64 bytes. UNAVAILABLE: nobody to ask, ClickHouse away, or two others under way: repeat it.
  StatusOr<analytics::v1::EraseViewerResponse> Erase(const std::string& viewer_id);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::metadata
