#pragma once

// What KEDA is told of a queue, from the trigger that asks and the queues as they are. Pure.
//
// Workers wanted = encode-seconds waiting and running / encode-seconds wanted per worker, rounded up; KEDA's HPA does the division.

#include <cstdint>
#include <map>
#include <string>

#include "libs/core/status.h"
#include "vora/workflow/v1/workflow.pb.h"

namespace vora::orchestrator {

struct ScalerTrigger {
  std::string queue;
  double target_encode_seconds = 0;  // per worker
};

// From the trigger's metadata: `queue` and `targetEncodeSeconds`, both required; other keys are KEDA's own. INVALID_ARGUMENT names the
// field and the limit.
StatusOr<ScalerTrigger> ParseTrigger(const std::map<std::string, std::string>& metadata);

struct QueueLoad {
  int64_t activities = 0;     // ready, waiting for their next attempt, or running
  double encode_seconds = 0;  // left in all of them
};

// A queue that nobody has heard of is an empty one.
QueueLoad LoadOf(const workflow::v1::DescribeQueuesResponse& queues, const std::string& queue);

// As HPAs can name it: letters, digits and dashes.
std::string MetricName(const std::string& queue);

}  // namespace vora::orchestrator
