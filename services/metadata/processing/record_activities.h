#pragma once

// The activities of queue `metadata`: what running workflows report.

#include "libs/workflow/worker/activity_worker.h"

namespace vora::metadata {

class RecordRepo;

inline constexpr char kActivityQueue[] = "metadata";

// `records` must outlive the worker.
void AddRecordActivities(workflow::ActivityWorker& worker, RecordRepo& records);

}  // namespace vora::metadata
