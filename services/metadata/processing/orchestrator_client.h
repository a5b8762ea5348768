#pragma once

// The orchestrator's WorkflowService. Each call has a deadline of a few seconds and is safe to repeat. UNAVAILABLE while the
// orchestrator is away; it is found again by itself. Thread-safe.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "vora/workflow/v1/workflow.pb.h"

namespace vora::metadata {

// The workflow that processes a video.
inline constexpr char kVideoWorkflows[] = "video/";
inline std::string WorkflowOf(const std::string& video_id) { return kVideoWorkflows + video_id; }

class OrchestratorClient {
 public:
  explicit OrchestratorClient(const std::string& target);  // host:port
  ~OrchestratorClient();

  StatusOr<workflow::v1::StartWorkflowResponse> Start(const workflow::v1::StartWorkflowRequest& request);
  Status Cancel(const std::string& workflow_id, const std::string& reason);
  Status Terminate(const std::string& workflow_id, const std::string& reason);
  // `run_id` empty: the newest run. NOT_FOUND: no such workflow.
  StatusOr<workflow::v1::DescribeWorkflowResponse> Describe(const std::string& workflow_id, const std::string& run_id);
  // Of these, at most 500, those that are there.
  StatusOr<workflow::v1::ListWorkflowsResponse> Runs(const std::vector<std::string>& run_ids);
  // Calls `told` until the stream ends, and says why it did: CANCELLED after StopWatching, which also ends what begins later.
  Status WatchProgress(const workflow::v1::WatchProgressRequest& request,
                       const std::function<void(workflow::v1::WatchProgressResponse)>& told);
  void StopWatching();
  StatusOr<workflow::v1::GetHistoryResponse> History(const std::string& workflow_id, const std::string& run_id, int64_t after,
                                                     int page_size);
  StatusOr<workflow::v1::DescribeQueuesResponse> DescribeQueues(std::chrono::milliseconds timeout);
  Status Pause(const workflow::v1::PauseWorkflowRequest& request);
  Status Unpause(const std::string& workflow_id);
  StatusOr<workflow::v1::RetryNowResponse> RetryNow(const workflow::v1::RetryNowRequest& request);
  // Of the open run of a video. OK too when there is none.
  Status SetVideoPriority(const std::string& video_id, int priority);
  StatusOr<workflow::v1::ListQueueSettingsResponse> ListQueueSettings();
  StatusOr<workflow::v1::QueueSettings> GetQueueSettings(const std::string& queue);
  StatusOr<workflow::v1::QueueSettings> SetQueueSettings(const workflow::v1::SetQueueSettingsRequest& request);
  StatusOr<workflow::v1::QueueSettings> ResetQueueSettings(const std::string& queue);
  StatusOr<workflow::v1::ListTenantSettingsResponse> ListTenantSettings();
  StatusOr<workflow::v1::TenantSettings> GetTenantSettings(const std::string& tenant);
  StatusOr<workflow::v1::TenantSettings> SetTenantSettings(const workflow::v1::SetTenantSettingsRequest& request);
  StatusOr<workflow::v1::TenantSettings> ResetTenantSettings(const std::string& tenant);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::metadata
