#include "services/metadata/processing/progress_poller.h"

#include <string>
#include <vector>

#include "libs/log/log.h"

namespace vora::metadata {
namespace {

namespace wf = workflow::v1;
constexpr int kVideosPerStep = 50;

std::vector<ActivityView> ViewsOf(const wf::DescribeWorkflowResponse& described) {
  std::vector<ActivityView> views;
  for (const auto& pending : described.pending_activities()) {
    views.push_back({pending.activity_id(), pending.activity_type(), pending.state() == wf::PENDING_ACTIVITY_STATE_STARTED,
                     pending.attempt(), pending.progress(),
                     !pending.last_failure().code().empty() || !pending.last_failure().message().empty(),
                     pending.last_failure().message()});
  }
  return views;
}

}  // namespace

ProgressPoller::ProgressPoller(ProgressRepo& progress, OrchestratorClient& orchestrator, std::chrono::milliseconds interval)
    : progress_(progress), orchestrator_(orchestrator), interval_(interval), thread_("progress", [this] { return Step(); }) {}

std::chrono::milliseconds ProgressPoller::Step() {
  // A little less than the pause, so that a video is not skipped every other time.
  const auto videos = progress_.Claim(interval_ * 8 / 10, kVideosPerStep);
  if (!videos.ok()) return interval_;
  for (const PolledVideo& video : *videos) {
    const Status polled = Poll(video);
    // All others would wait for the same deadline.
    if (IsTransient(polled)) break;  // the orchestrator or the database is away: the next step tries again
    if (!polled.ok()) log::Warn("progress of a video could not be read", {{"video_id", video.video_id}, {"error", ToText(polled)}});
  }
  return interval_;
}

Status ProgressPoller::Poll(const PolledVideo& video) {
  const auto described = orchestrator_.Describe(WorkflowOf(video.video_id), video.run_id);
  if (described.status().code() == StatusCode::kNotFound) {
    // It was started once; an orchestrator that lost it will never finish it.
    const char* why = "the orchestrator does not know this run any more; it can be retried";
    return progress_.Close(video, v1::VIDEO_STATE_FAILED, "workflow.lost", why).status();
  }
  VORA_RETURN_IF_ERROR(described.status());
  const wf::WorkflowInfo& info = described->info();
  switch (info.status()) {
    case wf::WORKFLOW_STATUS_RUNNING:
      return progress_.Apply(video, ViewsOf(*described)).status();
    case wf::WORKFLOW_STATUS_CANCELED:
      return progress_.Close(video, v1::VIDEO_STATE_CANCELLED, "", "").status();
    case wf::WORKFLOW_STATUS_FAILED:
      return progress_.Close(video, v1::VIDEO_STATE_FAILED, info.failure().code(), info.failure().message()).status();
    case wf::WORKFLOW_STATUS_TERMINATED:
      return progress_.Close(video, v1::VIDEO_STATE_FAILED, "workflow.terminated", "processing was terminated by an operator").status();
    case wf::WORKFLOW_STATUS_TIMED_OUT:
      return progress_.Close(video, v1::VIDEO_STATE_FAILED, "workflow.timed_out", "processing took longer than allowed").status();
    default:
      // COMPLETED: the state was recorded before.
      return progress_.Close(video, v1::VIDEO_STATE_FAILED, "workflow.no_outcome", "processing ended without an outcome").status();
  }
}

}  // namespace vora::metadata
