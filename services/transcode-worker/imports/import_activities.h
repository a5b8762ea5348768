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
void RegisterImports(const ImportContext& context, workflow::ActivityWorker& worker);

}  // namespace vora::transcode
