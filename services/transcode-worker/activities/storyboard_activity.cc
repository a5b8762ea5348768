#include "libs/layout/layout.h"
#include "libs/media/pictures/storyboard.h"

#include "libs/workflow/definition/payload.h"
#include "services/transcode-worker/activities/activities.h"
#include "services/transcode-worker/activities/failure.h"
#include "services/transcode-worker/activities/role_activity.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::transcode {

workflow::ActivityOutcome ExtractStoryboard(const WorkerContext& context, workflow::ActivityExecution& execution) {
  workflow::v1::ExtractStoryboardInput input;
  if (auto ended = ReadInput(execution, &input)) return *std::move(ended);
  const media::StoryboardPlan plan = media::PlanStoryboard(input.media());
  const auto stopped = [&] { return execution.stopping(); };
  workflow::v1::ExtractStoryboardResult result;
  const auto publish = [&](media::EncodedSegment sheet) -> Status {
    if (sheet.index != result.sheets() || sheet.index >= plan.sheets()) return InvalidArgument("a sheet that was not asked for");
    VORA_ASSIGN_OR_RETURN(const int64_t bytes,
                          context.publisher().PutOnce(layout::InPrefix(input.object_prefix(), layout::StoryboardSheet(sheet.index)),
                                                      sheet.bytes, "image/jpeg", stopped));
    result.set_sheets(sheet.index + 1);
    result.set_bytes(result.bytes() + bytes);
    execution.Heartbeat(static_cast<double>(result.sheets()) / plan.sheets(), "");
    return {};
  };
  const ChildOutcome outcome = RunRole(context, execution, "storyboard", "storyboard", input, publish);
  if (!outcome.result.has_value()) return ToOutcome(outcome.failure);
  if (result.sheets() != plan.sheets()) return ToOutcome(FailureOf(Internal("the storyboard is not whole")));
  // Last, so that whoever reads it finds every sheet it names.
  result.set_key(layout::InPrefix(input.object_prefix(), layout::kStoryboard));
  const StatusOr<int64_t> bytes = context.publisher().PutOnce(result.key(), media::StoryboardVtt(plan), "text/vtt", stopped);
  if (!bytes.ok()) return ToOutcome(FailureOf(bytes.status()));
  result.set_tiles(plan.tiles);
  result.set_bytes(result.bytes() + *bytes);
  return workflow::ActivityOutcome::Ok(workflow::ToPayload(result));
}

}  // namespace vora::transcode
