#include "libs/layout/delivery_path.h"
#include "libs/layout/layout.h"
#include "libs/workflow/definition/payload.h"
#include "services/transcode-worker/activities/activities.h"
#include "services/transcode-worker/activities/failure.h"
#include "services/transcode-worker/activities/role_activity.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::transcode {
namespace {

std::string ContentTypeOf(const std::string& name) {
  const auto path = layout::ParseDeliveryPath(name);
  return std::string(path ? path->content_type : "");
}

}  // namespace

workflow::ActivityOutcome ExtractPart(const WorkerContext& context, workflow::ActivityExecution& execution, const ChildRole& role) {
  workflow::v1::ExtractPartInput input;
  if (auto ended = ReadInput(execution, &input)) return *std::move(ended);
  const Writer writer = WriterOf(execution);
  workflow::v1::ExtractPartResult result;
  const auto publish = [&](const std::string& name, const std::string& bytes) -> Status {
    const std::string key = layout::InPrefix(input.object_prefix(), name);
    VORA_ASSIGN_OR_RETURN(const int64_t size, context.publisher().PutOnce(key, bytes, ContentTypeOf(name), writer));
    if (result.key().empty()) result.set_key(key);
    result.set_objects(result.objects() + 1);
    result.set_bytes(result.bytes() + size);
    return {};
  };
  const std::vector<std::string> expected = role.part.objects(input.media());
  ChildTask task = TaskOf(std::string(role.name), std::string(role.name), input);
  task.on_object = [&](PartObject object) -> Status {
    // A child is not trusted: it sends what was planned, and nothing else.
    const auto next = static_cast<size_t>(result.objects());
    if (next >= expected.size() || object.name != expected[next]) return InvalidArgument("an object that was not asked for");
    VORA_RETURN_IF_ERROR(publish(object.name, object.bytes));
    execution.Heartbeat(object.share, "");
    return {};
  };
  const ChildOutcome outcome = RunSingleChild(context, execution, task);
  if (!outcome.result.has_value()) return ToOutcome(outcome.failure);
  if (static_cast<size_t>(result.objects()) != expected.size())
    return ToOutcome(FailureOf(Internal("the " + task.label + " is not whole")));
  if (role.part.index != nullptr) {
    // Last, so that whoever reads it finds every object that it names.
    result.clear_key();
    const Status published = publish(role.part.index, role.part.index_text(input.media()));
    if (!published.ok()) return ToOutcome(FailureOf(published));
  }
  return workflow::ActivityOutcome::Ok(workflow::ToPayload(result));
}

}  // namespace vora::transcode
