#pragma once

// Rows as callers see them.

#include <string>

#include "libs/workflow/core/rows.h"

namespace vora::workflow {

void SetTime(google::protobuf::Timestamp* time, int64_t us);
v1::Failure ParseFailure(const std::string& json);
v1::WorkflowInfo ToWorkflowInfo(const RunRow& run);
v1::FailedAttempt ToFailedAttempt(const AttemptRow& row);

}  // namespace vora::workflow
