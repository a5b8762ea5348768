// The real daemon under load, killed at random instants.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>

#include "libs/ladder/ladder.h"
#include "libs/pg/testing/test_postgres.h"
#include "libs/rpc/client.h"
#include "libs/testing/child_process.h"
#include "libs/testing/status_matchers.h"
#include "libs/workflow/definition/history.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/testing/test_orchestrator.h"
#include "libs/workflow/worker/activity_worker.h"
#include "vora/workflow/v1/process_video.pb.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::orchestrator {
namespace {

using namespace workflow;
using std::chrono::milliseconds;

class Daemon {
 public:
  explicit Daemon(std::string database) : database_(std::move(database)) { Start(); }
  void Start() {
    process_ = std::make_unique<ChildProcess>(
        ORCHESTRATOR, std::vector<std::string>{},
        std::map<std::string, std::string>{
            {"VORA_DATABASE_URL", database_}, {"VORA_AUTH", "none"}, {"VORA_GRPC_LISTEN", address_}, {"VORA_ADMIN_LISTEN", "127.0.0.1:0"}});
    const auto line = process_->WaitForLog("listening");
    ASSERT_TRUE(line.has_value()) << process_->err();
    address_ = line->at("grpc").get<std::string>();
  }
  void Kill() {
    process_->Signal(SIGKILL);
    EXPECT_EQ(process_->Wait(), 128 + SIGKILL);
  }
  ChildProcess& process() { return *process_; }
  const std::string& address() const { return address_; }

 private:
  const std::string database_;
  std::string address_ = "127.0.0.1:0";
  std::unique_ptr<ChildProcess> process_;
};

media::v1::MediaInfo Media() {
  media::v1::MediaInfo media;
  media.set_duration_seconds(60);
  auto* video = media.mutable_video();
  video->set_width(1920);
  video->set_height(1080);
  video->set_frame_rate_num(30);
  video->set_frame_rate_den(1);
  video->set_frames(1800);
  media.add_audio()->set_sample_rate(48000);
  return media;
}

media::v1::TrackSegments Segments(const std::string& track, int first, int count) {
  media::v1::TrackSegments segments;
  segments.set_track(track);
  for (int i = first; i < first + count; ++i) segments.add_segments()->set_index(i);
  return segments;
}

// Workers of both queues; every execution is counted.
class Workers {
 public:
  explicit Workers(const std::string& orchestrator)
      : transcode_(Options(orchestrator, "transcode"), metrics_), metadata_(Options(orchestrator, "metadata"), metrics_) {
    Media("media.Plan", [](const v1::ActivityTask& task) {
      v1::PlanInput input;
      EXPECT_THAT(FromPayload(task.input(), input), IsOk());
      v1::PlanResult result;
      *result.mutable_media() = orchestrator::Media();
      *result.mutable_plan() = *ladder::MakePlan(result.media(), input.ladder());
      return ToPayload(result);
    });
    Media("media.EncodeGroup", [](const v1::ActivityTask& task) {
      v1::EncodeGroupInput input;
      EXPECT_THAT(FromPayload(task.input(), input), IsOk());
      v1::EncodeChunkResult result;
      *result.mutable_segments() = Segments(task.items(0).name(), input.chunk().first_segment(), input.chunk().segment_count());
      return ToPayload(result);
    });
    Media("media.EncodeAudio", [](const v1::ActivityTask&) {
      v1::EncodeAudioResult result;
      *result.mutable_segments() = Segments("audio_0", 0, 15);
      return ToPayload(result);
    });
    for (const char* type : {"media.ExtractPoster", "media.ExtractStoryboard", "media.PublishTrack", "media.PublishMasters"}) {
      Media(type, [](const v1::ActivityTask&) { return "{}"; });
    }
    for (const char* type : {"Plan", "Segments", "Track", "Poster", "Storyboard", "Video"}) {
      metadata_.Handle(std::string("metadata.Record") + type, [this](ActivityExecution& execution) {
        Count(execution.task());
        return ActivityOutcome::Ok("{}");
      });
    }
    transcode_.Start();
    metadata_.Start();
  }
  int executed() const {
    std::lock_guard lock(mutex_);
    return total_;
  }
  std::map<std::string, int> executions() const {
    std::lock_guard lock(mutex_);
    return executions_;
  }

 private:
  static ActivityWorkerOptions Options(const std::string& orchestrator, const std::string& queue) {
    ActivityWorkerOptions options;
    options.orchestrator = orchestrator;
    options.queue = queue;
    options.slots = 3;
    return options;
  }
  void Media(const std::string& type, std::function<std::string(const v1::ActivityTask&)> result) {
    transcode_.HandleGroup(type, [this, result](std::vector<std::shared_ptr<ActivityExecution>> group) {
      for (auto& execution : group) {
        Count(execution->task());
        execution->Complete(result(execution->task()));
      }
    });
  }
  void Count(const v1::ActivityTask& task) {
    std::lock_guard lock(mutex_);
    ++executions_[task.workflow_id() + " " + task.activity_id()];
    ++total_;
  }

  obs::Metrics metrics_;
  mutable std::mutex mutex_;
  std::map<std::string, int> executions_;
  int total_ = 0;
  ActivityWorker transcode_, metadata_;
};

template <class Request, class Response>
Response Call(v1::WorkflowService::Stub& stub,
              grpc::Status (v1::WorkflowService::Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request) {
  Response response;
  const bool answered = Eventually([&] {
    grpc::ClientContext context;
    rpc::Prepare(context, milliseconds(5000));
    response.Clear();
    const auto status = (stub.*method)(&context, request, &response);
    EXPECT_NE(status.error_code(), grpc::StatusCode::INTERNAL) << status.error_message();
    return status.ok();
  });
  EXPECT_TRUE(answered);
  return response;
}

std::string StartVideo(v1::WorkflowService::Stub& stub, int number) {
  v1::ProcessVideoInput input;
  input.set_video_id("v" + std::to_string(number));
  *input.mutable_ladder() = ladder::DefaultLadder();
  input.set_pipeline_version(3);
  v1::StartWorkflowRequest request;
  request.set_workflow_id("video/" + input.video_id());
  request.set_type("ProcessVideo");
  request.set_input(ToPayload(input));
  request.set_request_id("1");
  Call(stub, &v1::WorkflowService::Stub::StartWorkflow, request);
  return request.workflow_id();
}

// With VORA_RECORD_HISTORIES=FOLDER the histories are kept, for the replay tests of services/orchestrator/workflows.
void Record(const v1::GetHistoryResponse& history) {
  const char* folder = std::getenv("VORA_RECORD_HISTORIES");
  if (!folder) return;
  std::vector<Event> events;
  for (const auto& event : history.events()) {
    events.push_back({event.event_id(), event.type(), event.time().seconds() * 1'000'000 + event.time().nanos() / 1000,
                      nlohmann::json::parse(event.attributes())});
  }
  std::ofstream(std::filesystem::path(folder) / ("ProcessVideo." + history.run_id() + ".json")) << HistoryToJson(events) << "\n";
}

// Every activity that was scheduled was completed once.
void CheckHistory(v1::WorkflowService::Stub& stub, const std::string& id) {
  std::map<int64_t, int> completed;
  v1::GetHistoryRequest request;
  request.set_workflow_id(id);
  request.set_page_size(1000);
  const auto history = Call(stub, &v1::WorkflowService::Stub::GetHistory, request);
  ASSERT_FALSE(history.more());
  Record(history);
  for (const auto& event : history.events()) {
    if (event.type() == v1::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) completed[event.event_id()];
    if (event.type() != v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED) continue;
    ++completed[nlohmann::json::parse(event.attributes()).at("scheduled_event_id").get<int64_t>()];
  }
  EXPECT_GE(completed.size(), 30u);
  for (const auto& [event, times] : completed) EXPECT_EQ(times, 1) << id << " event " << event;
}

TEST(OrchestratorCrashTest, KillsLoseNothingAndRepeatNoCompletedActivity) {
  constexpr int kVideos = 8, kKills = 6;
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  Daemon daemon(pg::TestPostgres::Shared().NewDatabase());
  if (HasFatalFailure()) return;
  v1::WorkflowService::Stub stub(rpc::Connect(daemon.address()));
  Workers workers(daemon.address());
  std::vector<std::string> ids;
  for (int i = 0; i < kVideos; ++i) ids.push_back(StartVideo(stub, i));
  for (int i = 0; i < kKills; ++i) {
    const int target = workers.executed() + std::uniform_int_distribution(5, 40)(random);
    ASSERT_TRUE(Eventually([&] { return workers.executed() >= target; })) << "kill " << i << " after " << workers.executed();
    daemon.Kill();
    daemon.Start();
    if (HasFatalFailure()) return;
  }
  for (const auto& id : ids) {
    v1::DescribeWorkflowRequest request;
    request.set_workflow_id(id);
    v1::WorkflowInfo info;
    ASSERT_TRUE(Eventually([&] {
      info = Call(stub, &v1::WorkflowService::Stub::DescribeWorkflow, request).info();
      return info.status() != v1::WORKFLOW_STATUS_RUNNING;
    })) << info.ShortDebugString();
    EXPECT_EQ(info.status(), v1::WORKFLOW_STATUS_COMPLETED) << info.ShortDebugString();
    CheckHistory(stub, id);
  }
  for (const auto& [activity, times] : workers.executions()) EXPECT_EQ(times, 1) << activity;
}

TEST(OrchestratorDaemonTest, StopsOnSigtermAndAnswersWaitingPolls) {
  Daemon daemon(pg::TestPostgres::Shared().NewDatabase());
  if (HasFatalFailure()) return;
  obs::Metrics metrics;
  ActivityWorkerOptions options;
  options.orchestrator = daemon.address();
  options.queue = "nothing";
  ActivityWorker worker(options, metrics);
  worker.Handle("x", [](ActivityExecution&) { return ActivityOutcome::Ok("{}"); });
  worker.Start();
  v1::WorkflowService::Stub stub(rpc::Connect(daemon.address()));
  StartVideo(stub, 1);
  daemon.process().Signal(SIGTERM);
  EXPECT_EQ(daemon.process().Wait(), 0) << daemon.process().err();
}

TEST(OrchestratorDaemonTest, SaysWhichSettingIsMissing) {
  ChildProcess process(ORCHESTRATOR, {}, {});
  EXPECT_EQ(process.Wait(), 2);
  EXPECT_THAT(process.err(), ::testing::HasSubstr("VORA_DATABASE_URL"));
}

}  // namespace
}  // namespace vora::orchestrator
