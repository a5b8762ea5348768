#pragma once

// The activities of the queue `import`.

#include "libs/sources/sources.h"
#include "libs/storage/base/object_store.h"
#include "libs/workflow/worker/activity_worker.h"
#include "services/transcode-worker/imports/origin.h"

namespace vora::transcode {

inline constexpr char kImportQueue[] = "import";

// All of it must outlive the worker.
struct ImportContext {
  storage::ObjectStore& store;  // where copies go
  const sources::Sources& sources;
  const ImportOptions options;
};

// Each answers what vora/workflow/v1/process_video.proto says of it.
workflow::ActivityOutcome PinSource(const ImportContext& context, workflow::ActivityExecution& execution);
workflow::ActivityOutcome BeginCopy(const ImportContext& context, workflow::ActivityExecution& execution);
// The checkpoint is kept from part to part.
workflow::ActivityOutcome CopySource(const ImportContext& context, workflow::ActivityExecution& execution);
workflow::ActivityOutcome AbandonCopy(const ImportContext& context, workflow::ActivityExecution& execution);

void RegisterImports(const ImportContext& context, workflow::ActivityWorker& worker);

}  // namespace vora::transcode
