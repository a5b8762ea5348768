#pragma once

// Hands the erasure of a viewer's data to analytics-ingest. Thread-safe; blocks until it is done.

#include <memory>
#include <string>

#include "libs/core/status.h"
#include "services/metadata/analytics/analytics_reader.h"
#include "vora/analytics/v1/analytics.pb.h"

namespace vora::metadata {

class ViewerErasure {
 public:
  // `target`: host:port of analytics-ingest's gRPC; empty: not configured. `reader` tells at once when ClickHouse is away.
  ViewerErasure(const std::string& target, AnalyticsReader& reader);
  ~ViewerErasure();
  // What players report lies under the tenant `default`: for another, FAILED_PRECONDITION says so when its own events are erased.
  // INVALID_ARGUMENT: `viewer_id` is not 1 to 64 bytes. UNAVAILABLE: nobody to ask, ClickHouse away, or two others under way: repeat it.
  StatusOr<analytics::v1::EraseViewerResponse> Erase(const std::string& tenant, const std::string& viewer_id);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::metadata
