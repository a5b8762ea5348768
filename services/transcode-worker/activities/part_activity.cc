#include "libs/layout/delivery_path.h"
#include "libs/layout/layout.h"
#include "libs/workflow/definition/payload.h"
#include "services/transcode-worker/activities/activities.h"
#include "services/transcode-worker/activities/failure.h"
#include "services/transcode-worker/activities/role_activity.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::transcode {
namespace {

constexpr int kMaxObjects = 1000;

}  // namespace

StatusOr<std::string_view> PartContentType(const ChildRole& role, const std::string& name) {
  // The name comes from a child that may have been taken over. It must be a plain file name that delivery knows as a part, and of its own
  // role.
  const auto path = layout::ParseDeliveryPath(name);
  const bool own = path && path->kind == layout::ObjectKind::kPart && path->Relative() == path->file && name.starts_with(role.name);
  if (!own) return InvalidArgument("an object that was not asked for");
  return path->content_type;
}

workflow::ActivityOutcome ExtractPart(const WorkerContext& context, workflow::ActivityExecution& execution, const ChildRole& role) {
  workflow::v1::ExtractPartInput input;
  if (auto ended = ReadInput(execution, &input)) return *std::move(ended);
  const auto stopped = [&] { return execution.stopping(); };
  workflow::v1::ExtractPartResult result;
  const auto publish = [&](const std::string& name, std::string_view content_type, const std::string& bytes) -> Status {
    const std::string key = layout::InPrefix(input.object_prefix(), name);
    VORA_ASSIGN_OR_RETURN(const int64_t size, context.publisher().PutOnce(key, bytes, std::string(content_type), stopped));
    if (result.key().empty()) result.set_key(key);
    result.set_objects(result.objects() + 1);
    result.set_bytes(result.bytes() + size);
    return {};
  };
  ChildTask task = TaskOf(std::string(role.name), std::string(role.name), input);
  task.on_object = [&](PartObject object) -> Status {
    // A bound on what a child that was taken over can make the worker write.
    if (result.objects() >= kMaxObjects) return InvalidArgument("more objects than a part may have");
    VORA_ASSIGN_OR_RETURN(const std::string_view content_type, PartContentType(role, object.name));
    VORA_RETURN_IF_ERROR(publish(object.name, content_type, object.bytes));
    execution.Heartbeat(object.share, "");
    return {};
  };
  const ChildOutcome outcome = RunSingleChild(context, execution, task);
  if (!outcome.result.has_value()) return ToOutcome(outcome.failure);
  if (role.part.index != nullptr) {
    // Last, so that whoever reads it finds every object that it names.
    result.clear_key();
    const auto path = layout::ParseDeliveryPath(role.part.index);
    const Status published = publish(role.part.index, path ? path->content_type : "", role.part.index_text(input.media()));
    if (!published.ok()) return ToOutcome(FailureOf(published));
  }
  if (result.key().empty()) return ToOutcome(FailureOf(Internal("the " + task.label + " has no object")));
  return workflow::ActivityOutcome::Ok(workflow::ToPayload(result));
}

}  // namespace vora::transcode
