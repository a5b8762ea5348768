#include "libs/core/error.h"
#include "libs/protojson/proto_json.h"
#include "services/metadata/api/rest.h"
#include "services/metadata/processing/orchestrator_client.h"
#include "services/metadata/videos/video_operations.h"

namespace vora::metadata {
namespace {

namespace wf = workflow::v1;

// A run that is not there yet is named as people know it.
Status OfVideo(const Status& status, const v1::Video& video) {
  if (status.code() != StatusCode::kNotFound) return status;
  return NotFound("video " + video.video_id() + " has no workflow run yet");
}

StatusOr<wf::WorkflowInfo> Info(OrchestratorClient& orchestrator, const v1::Video& video) {
  VORA_ASSIGN_OR_RETURN(const auto described, orchestrator.Describe(WorkflowOf(video.video_id()), ""));
  return described.info();
}

StatusOr<wf::WorkflowInfo> PauseVideo(VideoRepo& videos, OrchestratorClient& orchestrator, const http::Request& request,
                                      const std::string& body) {
  wf::PauseWorkflowRequest pause;
  VORA_RETURN_IF_ERROR(FromBody(body, {"reason"}, pause));
  VORA_ASSIGN_OR_RETURN(const v1::Video video, videos.Get(request.caller.tenant, request.params.at("id")));
  pause.set_workflow_id(WorkflowOf(video.video_id()));
  pause.set_identity(request.caller.subject);
  VORA_RETURN_IF_ERROR(OfVideo(orchestrator.Pause(pause), video));
  return Info(orchestrator, video);
}

StatusOr<wf::WorkflowInfo> ResumeVideo(VideoRepo& videos, OrchestratorClient& orchestrator, const http::Request& request,
                                       const std::string& body) {
  wf::UnpauseWorkflowRequest none;
  VORA_RETURN_IF_ERROR(FromBody(body, {}, none));
  VORA_ASSIGN_OR_RETURN(const v1::Video video, videos.Get(request.caller.tenant, request.params.at("id")));
  VORA_RETURN_IF_ERROR(OfVideo(orchestrator.Unpause(WorkflowOf(video.video_id())), video));
  return Info(orchestrator, video);
}

StatusOr<wf::RetryNowResponse> RetryVideoNow(VideoRepo& videos, OrchestratorClient& orchestrator, const http::Request& request,
                                             const std::string& body) {
  wf::RetryNowRequest retry;
  VORA_RETURN_IF_ERROR(FromBody(body, {"activity_id", "scheduled_event_id"}, retry));
  VORA_ASSIGN_OR_RETURN(const v1::Video video, videos.Get(request.caller.tenant, request.params.at("id")));
  retry.set_workflow_id(WorkflowOf(video.video_id()));
  auto retried = orchestrator.RetryNow(retry);
  const bool all = retry.activity_id().empty() && retry.scheduled_event_id() == 0;
  if (!retried.ok() && all) return OfVideo(retried.status(), video);
  return retried;
}

StatusOr<v1::Video> SetPriority(VideoOperations& operations, const http::Request& request, const std::string& body) {
  v1::CreateVideoRequest given;
  VORA_RETURN_IF_ERROR(FromBody(body, {"priority"}, given));
  if (!given.has_priority()) return InvalidField("priority", "required");
  return operations.SetPriority(request.caller.tenant, request.params.at("id"), given.priority());
}

}  // namespace

void AddControlRoutes(ApiRoutes& routes, VideoRepo& videos, VideoOperations& operations, OrchestratorClient& orchestrator) {
  routes.Simple("POST", "/v1/videos/{id}/pause", [&videos, &orchestrator](const http::Request& request, const std::string& body) {
    return JsonOf(PauseVideo(videos, orchestrator, request, body));
  });
  routes.Simple("POST", "/v1/videos/{id}/resume", [&videos, &orchestrator](const http::Request& request, const std::string& body) {
    return JsonOf(ResumeVideo(videos, orchestrator, request, body));
  });
  routes.Simple("POST", "/v1/videos/{id}/retry-now", [&videos, &orchestrator](const http::Request& request, const std::string& body) {
    return JsonOf(RetryVideoNow(videos, orchestrator, request, body));
  });
  routes.Simple("POST", "/v1/videos/{id}/priority", [&operations](const http::Request& request, const std::string& body) {
    return JsonOf(SetPriority(operations, request, body));
  });
}

}  // namespace vora::metadata
