#include "services/metadata/processing/record_activities.h"

#include <string>

#include "libs/log/log.h"
#include "libs/workflow/definition/payload.h"
#include "services/metadata/processing/record_repo.h"

namespace vora::metadata {
namespace {

namespace wf = workflow::v1;
using workflow::ActivityExecution;
using workflow::ActivityOutcome;

constexpr char kCodePrefix[] = "metadata";

template <typename Input>
workflow::ActivityHandler Recorder(RecordRepo& records, StatusOr<bool> (RecordRepo::*record)(const std::string&, const Input&)) {
  return [&records, record](ActivityExecution& execution) -> ActivityOutcome {
    Input input;
    const Status parsed = workflow::FromPayload(execution.task().input(), input);
    if (!parsed.ok()) return ActivityOutcome::FromStatus(parsed, kCodePrefix);
    const auto changed = (records.*record)(execution.task().run_id(), input);
    if (!changed.ok()) {
      log::Warn("a workflow's report was not taken", {{"activity", execution.task().activity_type()},
                                                      {"activity_id", execution.task().activity_id()},
                                                      {"workflow_id", execution.task().workflow_id()},
                                                      {"error", ToText(changed.status())}});
      return ActivityOutcome::FromStatus(changed.status(), kCodePrefix);
    }
    wf::RecordResult result;
    result.set_changed(*changed);
    return ActivityOutcome::Ok(workflow::ToPayload(result));
  };
}

}  // namespace

void AddRecordActivities(workflow::ActivityWorker& worker, RecordRepo& records) {
  worker.Handle("metadata.RecordImport", Recorder<wf::RecordImportInput>(records, &RecordRepo::RecordImport));
  worker.Handle("metadata.RecordPlan", Recorder<wf::RecordPlanInput>(records, &RecordRepo::RecordPlan));
  worker.Handle("metadata.RecordSegments", Recorder<wf::RecordSegmentsInput>(records, &RecordRepo::RecordSegments));
  worker.Handle("metadata.RecordTrack", Recorder<wf::RecordTrackInput>(records, &RecordRepo::RecordTrack));
  worker.Handle("metadata.RecordPoster", Recorder<wf::RecordPosterInput>(records, &RecordRepo::RecordPoster));
  // A storyboard goes on being recorded by its older name, which open runs have in their history.
  for (const char* type : {"metadata.RecordPart", "metadata.RecordStoryboard"}) {
    worker.Handle(type, Recorder<wf::RecordPartInput>(records, &RecordRepo::RecordPart));
  }
  worker.Handle("metadata.RecordCaptions", Recorder<wf::RecordCaptionsInput>(records, &RecordRepo::RecordCaptions));
  worker.Handle("metadata.RecordVideo", Recorder<wf::RecordVideoInput>(records, &RecordRepo::RecordVideo));
}

}  // namespace vora::metadata
