#pragma once

// Failures as the workflow sees them: stable codes, texts for people, and what must not be tried again.

#include <string>

#include "libs/core/status.h"
#include "services/transcode-worker/pipe/child_process.h"
#include "vora/workflow/v1/workflow.pb.h"

namespace vora::transcode {

// Media faults, and those of imports, keep their code (never retried); `source.not_found`, `worker.bad_input` (never retried);
// `store.unavailable`, `worker.child_timeout`, `worker.out_of_memory`, `worker.internal`.
workflow::v1::Failure FailureOf(const Status& status);
// The same for a child that did not end well; a crash is `worker.child_crashed` with its signal, a system call that only hostile code makes
// `worker.forbidden_call` (never retried). `what` names the child, e.g. "encoder of 720p".
workflow::v1::Failure FailureOf(const ChildExit& exit, const std::string& what);

}  // namespace vora::transcode
