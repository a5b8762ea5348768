#include "services/transcode-worker/imports/import_activities.h"

#include <algorithm>
#include <string>

#include "libs/core/error.h"
#include "libs/workflow/definition/payload.h"
#include "services/transcode-worker/imports/copy_file.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::transcode {
namespace {

using workflow::ActivityExecution;
using workflow::ActivityOutcome;

constexpr char kCodePrefix[] = "import";

ActivityOutcome FailedImport(const Status& status) {
  const std::string reason = DetailOf(status).reason;
  if (reason.starts_with("import.")) return ActivityOutcome::Failed(reason, vora::Message(status), true);
  // What our own store says, and what passes.
  const bool never = status.code() == StatusCode::kInvalidArgument || status.code() == StatusCode::kOutOfRange;
  return ActivityOutcome::Failed(IsTransient(status) ? "import.unavailable" : "import.internal", vora::Message(status), never);
}

ActivityOutcome BadInput(const Status& status) { return ActivityOutcome::FromStatus(status, kCodePrefix); }

}  // namespace

ActivityOutcome PinSource(const ImportContext& context, ActivityExecution& execution) {
  workflow::v1::PinFileInput input;
  if (const Status parsed = workflow::FromPayload(execution.task().input(), input); !parsed.ok()) return BadInput(parsed);
  const auto origin = OpenOrigin(input.origin(), context.sources, context.options, [&] { return execution.stopping(); });
  if (!origin.ok()) return FailedImport(origin.status());
  const auto file = (*origin)->Pin();
  return file.ok() ? ActivityOutcome::Ok(workflow::ToPayload(*file)) : FailedImport(file.status());
}

ActivityOutcome BeginCopy(const ImportContext& context, ActivityExecution& execution) {
  workflow::v1::BeginCopyInput input;
  if (const Status parsed = workflow::FromPayload(execution.task().input(), input); !parsed.ok()) return BadInput(parsed);
  workflow::v1::BeginCopyResult result;
  result.set_part_bytes(CopyPartBytes(input.file().size()));
  const auto id = context.store.CreateMultipart(input.key(), {.part_size = result.part_bytes()});
  if (!id.ok()) return FailedImport(id.status());
  result.set_multipart_id(*id);
  return ActivityOutcome::Ok(workflow::ToPayload(result));
}

ActivityOutcome CopySource(const ImportContext& context, ActivityExecution& execution) {
  workflow::v1::CopyFileInput input;
  if (const Status parsed = workflow::FromPayload(execution.task().input(), input); !parsed.ok()) return BadInput(parsed);
  workflow::v1::CopyFileCheckpoint done;
  // One that cannot be read means to begin anew.
  if (const std::string& checkpoint = execution.task().checkpoint(); !checkpoint.empty()) {
    if (!workflow::FromPayload(checkpoint, done).ok()) done.Clear();
  }
  const auto stopped = [&] { return execution.stopping(); };
  const auto origin = OpenOrigin(input.origin(), context.sources, context.options, stopped);
  if (!origin.ok()) return FailedImport(origin.status());
  const double size = static_cast<double>(std::max<int64_t>(1, input.file().size()));
  const auto tell = [&](const workflow::v1::CopyFileCheckpoint& reached) {
    const double progress = input.file().size() > 0 ? static_cast<double>(reached.bytes()) / size : 0;
    execution.Heartbeat(progress, workflow::ToPayload(reached));
  };
  const auto bytes = FileCopy(context.store, **origin, input, context.options, done, tell, stopped).Run();
  if (!bytes.ok()) return FailedImport(bytes.status());
  workflow::v1::CopyFileResult result;
  result.set_bytes(*bytes);
  return ActivityOutcome::Ok(workflow::ToPayload(result));
}

ActivityOutcome AbandonCopy(const ImportContext& context, ActivityExecution& execution) {
  workflow::v1::AbandonCopyInput input;
  if (const Status parsed = workflow::FromPayload(execution.task().input(), input); !parsed.ok()) return BadInput(parsed);
  const Status aborted = context.store.AbortMultipart(input.key(), input.multipart_id());
  return aborted.ok() ? ActivityOutcome::Ok("{}") : FailedImport(aborted);
}

void RegisterImports(const ImportContext& context, workflow::ActivityWorker& worker) {
  using Activity = ActivityOutcome (*)(const ImportContext&, ActivityExecution&);
  const std::pair<const char*, Activity> activities[] = {{"media.PinSource", &PinSource},
                                                         {"media.BeginCopy", &BeginCopy},
                                                         {"media.CopySource", &CopySource},
                                                         {"media.AbandonCopy", &AbandonCopy}};
  for (const auto& [type, activity] : activities) {
    const Activity run = activity;
    worker.Handle(type, [&context, run](ActivityExecution& execution) { return run(context, execution); });
  }
}

}  // namespace vora::transcode
