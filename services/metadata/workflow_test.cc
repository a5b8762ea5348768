// Metadata together with a real orchestrator process. The worker here answers the media activities as told, so that every turn a
// workflow can take is seen from the side of metadata; real media are the end-to-end suite's.

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <pqxx/pqxx>

#include "libs/ladder/ladder.h"
#include "libs/pg/testing/test_postgres.h"
#include "libs/testing/free_port.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/tcp_gate.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/worker/activity_worker.h"
#include "services/metadata/harness_test.h"
#include "services/metadata/processing/orchestrator_client.h"

namespace vora::metadata {
namespace {

namespace wf = workflow::v1;
using Json = nlohmann::json;
using ::testing::HasSubstr;
using workflow::ActivityExecution;
using workflow::ActivityOutcome;

// The whole side of the fleet that metadata talks to.
class WorkflowTest : public ::testing::Test {
 protected:
  WorkflowTest() : orchestrator_(VORA_ORCHESTRATOR_BINARY, {{"VORA_DATABASE_URL", orchestrator_database_}}) {
    options_.database_url = pg::TestPostgres::Shared().NewDatabase();
    options_.orchestrator = orchestrator_.grpc();
    options_.progress.interval = std::chrono::milliseconds(50);
  }
  void StartOrchestrator() {
    orchestrator_.Start();
    ASSERT_TRUE(orchestrator_.WaitReady());
  }
  void StartApp() { app_ = std::make_unique<TestApp>(options_); }

  // Works off the media activities until the end of the test; `encode` answers the chunks, everything else succeeds.
  void StartWorker(workflow::ActivityHandler encode) {
    workflow::ActivityWorkerOptions options;
    options.orchestrator = orchestrator_.grpc();
    options.queue = "transcode";
    options.slots = 6;
    worker_ = std::make_unique<workflow::ActivityWorker>(options, worker_metrics_);
    worker_->Handle("media.Plan", [this](ActivityExecution& execution) {
      wf::PlanInput input;
      EXPECT_THAT(workflow::FromPayload(execution.task().input(), input), IsOk());
      if (!input.has_media()) ++probed_;
      wf::PlanResult result;
      *result.mutable_media() = SomeMedia();
      *result.mutable_plan() = *ladder::MakePlan(SomeMedia(), input.ladder());
      return ActivityOutcome::Ok(workflow::ToPayload(result));
    });
    worker_->Handle("media.EncodeGroup", std::move(encode));
    worker_->Handle("media.EncodeAudio", [](ActivityExecution& execution) {
      wf::EncodeAudioInput input;
      EXPECT_THAT(workflow::FromPayload(execution.task().input(), input), IsOk());
      wf::EncodeAudioResult result;
      *result.mutable_segments() = SomeSegments("", "audio_0", 0, input.track().segments_total()).segments();
      return ActivityOutcome::Ok(workflow::ToPayload(result));
    });
    worker_->Handle("media.ExtractPoster", [](ActivityExecution&) { return ActivityOutcome::Ok(R"({"key":"processed/x/poster.jpg"})"); });
    worker_->Handle("media.ExtractStoryboard",
                    [](ActivityExecution&) { return ActivityOutcome::Ok(R"({"key":"processed/x/storyboard.vtt"})"); });
    for (const char* type : {"media.PublishTrack", "media.PublishMasters"}) {
      worker_->Handle(type, [](ActivityExecution&) { return ActivityOutcome::Ok("{}"); });
    }
    worker_->Handle("storage.DeletePrefix", [this](ActivityExecution& execution) {
      const std::lock_guard lock(mutex_);
      deleted_.insert(Json::parse(execution.task().input())["prefix"].get<std::string>());
      return ActivityOutcome::Ok("{}");
    });
    worker_->Start();
  }
  static ActivityOutcome Encode(ActivityExecution& execution) {
    wf::EncodeGroupInput input;
    EXPECT_THAT(workflow::FromPayload(execution.task().input(), input), IsOk());
    wf::EncodeChunkResult result;
    *result.mutable_segments() =
        SomeSegments("", execution.task().items(0).name(), input.chunk().first_segment(), input.chunk().segment_count()).segments();
    return ActivityOutcome::Ok(workflow::ToPayload(result));
  }
  // One chunk reports `progress_` until the test opens the gate.
  void StartWorkerThatReports() {
    StartWorker([this](ActivityExecution& execution) {
      const bool gated = execution.task().activity_id() == "720p/chunk/1";
      while (gated && !execution.stopping() && !IsOpen()) {
        execution.Heartbeat(progress_, "{}");
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
      return gated && !IsOpen() ? ActivityOutcome::Failed("test.stopped", "stopped") : Encode(execution);
    });
  }
  // Until the test opens the gate, or the task is to stop.
  bool WaitAtGate(ActivityExecution& execution) {
    std::unique_lock lock(mutex_);
    while (!open_ && !execution.stopping()) gate_.wait_for(lock, std::chrono::milliseconds(20));
    return open_;
  }
  bool IsOpen() {
    const std::lock_guard lock(mutex_);
    return open_;
  }
  void OpenGate() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    gate_.notify_all();
  }

  std::string Upload(const std::string& upload_id) {
    EXPECT_THAT(app_->Announce(FinishedUpload(upload_id)), IsOk());
    return Json::parse(app_->Call("GET", "/v1/videos?page_size=1").body)["videos"][0]["video_id"];
  }
  Json Video(const std::string& id) { return Json::parse(app_->Call("GET", "/v1/videos/" + id).body); }
  bool Reaches(const std::string& id, const std::string& state) {
    const bool reached = Eventually([&] { return Video(id).value("state", "") == state; }, std::chrono::seconds(30));
    EXPECT_TRUE(reached) << Video(id).dump(1);
    return reached;
  }
  Json Rendition(const std::string& id, const std::string& name) {
    const Json video = Video(id);
    for (const auto& rendition : video["renditions"]) {
      if (rendition["name"] == name) return rendition;
    }
    return Json::object();
  }
  // How often each activity of the newest run was completed.
  std::map<std::string, int> Completions(const std::string& id) {
    const Json history = Json::parse(app_->Call("GET", "/v1/videos/" + id + "/history").body);
    std::map<int64_t, std::string> scheduled;
    std::map<std::string, int> completions;
    for (const auto& event : history["events"]) {
      const Json& attributes = event["attributes"];
      if (event["type"] == "ACTIVITY_TASK_SCHEDULED") scheduled[event["event_id"]] = attributes["activity_id"];
      if (event["type"] != "ACTIVITY_TASK_COMPLETED" && event["type"] != "ACTIVITY_TASK_ITEMS_ENDED") continue;
      const std::string id = scheduled[attributes["scheduled_event_id"]];
      if (!attributes.contains("items")) ++completions[id];
      for (const auto& item : attributes.value("items", Json::array())) ++completions[item["name"].get<std::string>() + "/" + id];
    }
    return completions;
  }

  const std::string orchestrator_database_ = pg::TestPostgres::Shared().NewDatabase();
  DaemonProcess orchestrator_;
  AppOptions options_;
  std::unique_ptr<TestApp> app_;
  obs::Metrics worker_metrics_;
  std::mutex mutex_;
  std::condition_variable gate_;
  bool open_ = false;
  std::atomic<int> probed_{0};
  std::atomic<double> progress_{0.5};
  std::set<std::string> deleted_;
  std::unique_ptr<workflow::ActivityWorker> worker_;  // last: its handlers use the rest
};

TEST_F(WorkflowTest, AnOrchestratorThatComesLateGetsEveryVideoOnce) {
  StartApp();
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(Upload("u" + std::to_string(i)));
  EXPECT_EQ(Video(ids[0])["state"], "CREATED") << "accepted although nobody can process it yet";
  TestApp second(options_);  // two relays at the same outbox
  StartOrchestrator();
  StartWorker(&WorkflowTest::Encode);
  for (const std::string& id : ids) ASSERT_TRUE(Reaches(id, "READY"));
  const Json video = Video(ids[0]);
  EXPECT_EQ(video["progress_percent"], 100);
  EXPECT_EQ(video["duration_seconds"], 12);
  EXPECT_EQ(video["renditions"].size(), 3u);
  EXPECT_THAT(video["poster_url"].get<std::string>(), HasSubstr("/poster.jpg"));
  EXPECT_THAT(video["storyboard_url"].get<std::string>(), HasSubstr("/storyboard.vtt"));
  EXPECT_TRUE(video.contains("first_playable_at") && video.contains("ready_at"));
  for (const auto& [activity, times] : Completions(ids[0])) EXPECT_EQ(times, 1) << activity;
  const Json history = Json::parse(app_->Call("GET", "/v1/videos/" + ids[0] + "/history").body);
  EXPECT_EQ(history["workflow"]["status"], "COMPLETED");
  EXPECT_EQ(history["workflow"]["workflow_id"], "video/" + ids[0]);
  EXPECT_EQ(history["events"][0]["type"], "WORKFLOW_EXECUTION_STARTED");
  EXPECT_EQ(history["pending_activities"].size(), 0u);
}

TEST_F(WorkflowTest, ProgressRetriesAndPartialReadinessShow) {
  StartOrchestrator();
  StartApp();
  StartWorker([this](ActivityExecution& execution) {
    const std::string id = execution.task().activity_id();
    if (id == "720p/chunk/1" && execution.task().attempt() == 1) {
      return ActivityOutcome::Failed("worker.child_crashed", "the encoder was killed");
    }
    if (id == "720p/chunk/1") {
      execution.Heartbeat(0.5, "{}");
      if (!WaitAtGate(execution)) return ActivityOutcome::Failed("test.stopped", "stopped");
    }
    return Encode(execution);
  });
  const std::string id = Upload("u1");
  ASSERT_TRUE(Reaches(id, "PARTIALLY_READY"));
  EXPECT_EQ(Video(id)["playable"], true);
  EXPECT_EQ(Video(id)["hls_url"], "http://edge/v/" + id + "/master.m3u8");
  // One of three segments is published, the other two are one chunk that is half done.
  EXPECT_TRUE(Eventually([&] { return Rendition(id, "720p")["progress_percent"] == 66; })) << Rendition(id, "720p");
  EXPECT_EQ(Rendition(id, "720p")["state"], "RETRYING");
  EXPECT_EQ(Rendition(id, "720p")["retries"], 1);
  EXPECT_EQ(Rendition(id, "720p")["failure"], "the encoder was killed");
  const int percent = Video(id)["progress_percent"];
  EXPECT_GT(percent, 50);
  EXPECT_LT(percent, 100);
  OpenGate();
  ASSERT_TRUE(Reaches(id, "READY"));
  EXPECT_EQ(Rendition(id, "720p")["state"], "DONE");
  EXPECT_EQ(Rendition(id, "720p")["retries"], 1);
}

TEST_F(WorkflowTest, CancelThenRetryKeepsWhatIsDone) {
  StartOrchestrator();
  StartApp();
  StartWorker([this](ActivityExecution& execution) {
    if (execution.task().activity_id() == "720p/chunk/1" && !WaitAtGate(execution))
      return ActivityOutcome::Failed("test.stopped", "stopped");
    return Encode(execution);
  });
  const std::string id = Upload("u1");
  ASSERT_TRUE(
      Eventually([&] { return Rendition(id, "360p").value("state", "") == "DONE" && Rendition(id, "720p")["segments_done"] == 1; }));
  EXPECT_EQ(app_->Call("POST", "/v1/videos/" + id + "/cancel").status, 200);
  ASSERT_TRUE(Reaches(id, "CANCELLED"));
  OpenGate();
  EXPECT_EQ(app_->Call("POST", "/v1/videos/" + id + "/retry").status, 200);
  ASSERT_TRUE(Reaches(id, "READY"));
  const auto completions = Completions(id);
  EXPECT_EQ(probed_, 1) << "the media are known to the second run";
  EXPECT_EQ(completions.count("360p/chunk/0"), 0u);
  EXPECT_EQ(completions.count("720p/chunk/0"), 0u);
  EXPECT_EQ(completions.count("audio_0"), 0u);
  EXPECT_EQ(completions.at("720p/chunk/1"), 1);
  EXPECT_EQ(app_->Call("POST", "/v1/videos/" + id + "/cancel").status, 409);
}

TEST_F(WorkflowTest, AFailureReachesTheVideoAndARetryHealsIt) {
  StartOrchestrator();
  StartApp();
  std::atomic<bool> broken{true};
  StartWorker([&](ActivityExecution& execution) {
    if (broken) return ActivityOutcome::Failed("media.broken", "the source cannot be decoded after 3.2 s", true);
    return Encode(execution);
  });
  const std::string id = Upload("u1");
  ASSERT_TRUE(Reaches(id, "FAILED"));
  EXPECT_EQ(Video(id)["failure_code"], "media.broken");
  EXPECT_EQ(Video(id)["failure"], "the source cannot be decoded after 3.2 s");
  EXPECT_EQ(Rendition(id, "720p")["state"], "FAILED");
  broken = false;
  EXPECT_EQ(app_->Call("POST", "/v1/videos/" + id + "/retry").status, 200);
  ASSERT_TRUE(Reaches(id, "READY"));
  EXPECT_EQ(Video(id)["failure"], "");
}

TEST_F(WorkflowTest, DeletingARunningVideoCancelsItAndRemovesItsObjects) {
  StartOrchestrator();
  StartApp();
  StartWorker([this](ActivityExecution& execution) {
    return WaitAtGate(execution) ? Encode(execution) : ActivityOutcome::Failed("test.stopped", "stopped");
  });
  const std::string id = Upload("u1");
  ASSERT_TRUE(Eventually([&] { return Rendition(id, "360p").value("state", "") == "PROCESSING"; }));
  ASSERT_EQ(app_->Call("DELETE", "/v1/videos/" + id).status, 204);
  EXPECT_EQ(app_->Call("GET", "/v1/videos/" + id).status, 404) << "out of view at once";
  EXPECT_TRUE(Eventually([&] {
    const std::lock_guard lock(mutex_);
    return deleted_.count("processed/" + id + "/") == 1 && deleted_.count("raw/u1/") == 1;
  }));
  OrchestratorClient client(orchestrator_.grpc());
  const auto described = client.Describe(WorkflowOf(id), "");
  ASSERT_THAT(described, IsOk());
  EXPECT_EQ(described->info().status(), wf::WORKFLOW_STATUS_CANCELED);
}

TEST_F(WorkflowTest, AStartThatIsRefusedForGoodHoldsUpNothingBehindIt) {
  AppOptions without_orchestrator = options_;
  without_orchestrator.orchestrator = "127.0.0.1:" + std::to_string(FreePort());
  app_ = std::make_unique<TestApp>(without_orchestrator);
  const std::string id = Upload("u1");
  app_.reset();
  StartOrchestrator();
  StartWorker(&WorkflowTest::Encode);
  // Somebody else had a run under this id, which has closed.
  OrchestratorClient client(orchestrator_.grpc());
  wf::StartWorkflowRequest other;
  other.set_workflow_id(WorkflowOf(id));
  other.set_type("ProcessVideo");
  other.set_request_id("another request");
  ASSERT_THAT(client.Start(other).status(), IsOk());
  (void)client.Terminate(WorkflowOf(id), "in the way");  // its empty input may have ended it before
  StartApp();
  ASSERT_TRUE(Reaches(id, "FAILED"));
  EXPECT_EQ(Video(id)["failure_code"], "workflow.refused");
  EXPECT_THAT(Video(id)["failure"].get<std::string>(), HasSubstr("has a closed run"));
  ASSERT_EQ(app_->Call("DELETE", "/v1/videos/" + id).status, 204);
  EXPECT_TRUE(Eventually([&] {
    const std::lock_guard lock(mutex_);
    return deleted_.count("raw/u1/") == 1;
  })) << "the delete came after the start that was refused";
}

TEST_F(WorkflowTest, ATerminatedRunDoesNotLeaveTheVideoHanging) {
  StartOrchestrator();
  StartApp();
  StartWorker([this](ActivityExecution& execution) {
    return WaitAtGate(execution) ? Encode(execution) : ActivityOutcome::Failed("test.stopped", "stopped");
  });
  const std::string id = Upload("u1");
  ASSERT_TRUE(Eventually([&] { return Rendition(id, "360p").value("state", "") == "PROCESSING"; }));
  OrchestratorClient client(orchestrator_.grpc());
  ASSERT_THAT(client.Terminate("video/" + id, "by the test"), IsOk());
  ASSERT_TRUE(Reaches(id, "FAILED"));
  EXPECT_EQ(Video(id)["failure_code"], "workflow.terminated");
  OpenGate();
  EXPECT_EQ(app_->Call("POST", "/v1/videos/" + id + "/retry").status, 200);
  ASSERT_TRUE(Reaches(id, "READY"));
}

TEST_F(WorkflowTest, WhatHappensWhileTheStreamIsBrokenShowsLater) {
  StartOrchestrator();
  TcpGate gate("127.0.0.1", orchestrator_.port());
  options_.orchestrator = "127.0.0.1:" + std::to_string(gate.port());
  options_.progress.check_interval = std::chrono::hours(1);
  StartApp();
  StartWorkerThatReports();
  const std::string id = Upload("u1"), other = Upload("u2");
  ASSERT_TRUE(Eventually([&] { return Rendition(id, "720p")["progress_percent"] == 66; })) << Rendition(id, "720p");
  ASSERT_TRUE(Eventually([&] { return Rendition(other, "720p")["progress_percent"] == 66; })) << Rendition(other, "720p");
  gate.Refuse();
  OrchestratorClient client(orchestrator_.grpc());
  progress_ = 0.8;
  ASSERT_THAT(client.Terminate(WorkflowOf(other), "by the test"), IsOk());
  ASSERT_TRUE(Eventually([&] {
    const auto described = client.Describe(WorkflowOf(id), "");
    return described.ok() && std::any_of(described->pending_activities().begin(), described->pending_activities().end(),
                                         [](const auto& pending) { return pending.progress() == 0.8; });
  }));
  EXPECT_EQ(Rendition(id, "720p")["progress_percent"], 66) << "nobody can tell";
  EXPECT_EQ(Video(other)["state"], "PARTIALLY_READY");
  gate.Pass();
  ASSERT_TRUE(Reaches(other, "FAILED"));
  EXPECT_EQ(Video(other)["failure_code"], "workflow.terminated");
  EXPECT_TRUE(Eventually([&] { return Rendition(id, "720p")["progress_percent"] == 86; })) << Rendition(id, "720p");
  OpenGate();
  ASSERT_TRUE(Reaches(id, "READY"));
  for (const auto& [activity, times] : Completions(id)) EXPECT_EQ(times, 1) << activity;
}

TEST_F(WorkflowTest, ProgressShowsWhileManyVideosAreLookedAfter) {
  // Long over by the time that all of them have been.
  options_.progress.check_interval = std::chrono::milliseconds(10);
  StartOrchestrator();
  StartApp();
  StartWorkerThatReports();
  const std::string id = Upload("u1");
  ASSERT_TRUE(Eventually([&] { return Rendition(id, "720p")["progress_percent"] == 66; })) << Rendition(id, "720p");
  pqxx::connection database(options_.database_url);
  pqxx::work tx(database);
  tx.exec(
      "INSERT INTO videos (video_id, tenant, upload_id, title, state, source_key, object_prefix, ladder, run_id) SELECT 'copy-' || n, "
      "tenant, "
      "'copy-' || n, title, state, source_key, object_prefix, ladder, run_id FROM videos, generate_series(1, 2000) AS n");
  tx.commit();
  progress_ = 0.8;
  EXPECT_TRUE(Eventually([&] { return Rendition(id, "720p")["progress_percent"] == 86; })) << Rendition(id, "720p");
  OpenGate();
  ASSERT_TRUE(Reaches(id, "READY"));
}

TEST_F(WorkflowTest, ARunThatTheOrchestratorHasLostFailsItsVideo) {
  options_.progress.check_interval = std::chrono::milliseconds(200);
  StartOrchestrator();
  StartApp();
  StartWorker([this](ActivityExecution& execution) {
    return WaitAtGate(execution) ? Encode(execution) : ActivityOutcome::Failed("test.stopped", "stopped");
  });
  const std::string id = Upload("u1");
  ASSERT_TRUE(Eventually([&] { return Rendition(id, "360p").value("state", "") == "PROCESSING"; }));
  const int64_t version = Video(id)["version"];
  orchestrator_.Kill();
  pqxx::connection database(orchestrator_database_);
  pqxx::work tx(database);
  tx.exec("TRUNCATE workflow_runs, workflow_events, activity_tasks, workflow_timers, workflow_inbox, workflow_attempts");
  tx.commit();
  EXPECT_EQ(Video(id)["state"], "PROCESSING") << "one that is away has lost nothing";
  EXPECT_GE(Video(id)["version"], version);
  StartOrchestrator();
  ASSERT_TRUE(Reaches(id, "FAILED"));
  EXPECT_EQ(Video(id)["failure_code"], "workflow.lost");
  OpenGate();
  EXPECT_EQ(app_->Call("POST", "/v1/videos/" + id + "/retry").status, 200);
  ASSERT_TRUE(Reaches(id, "READY"));
}

TEST_F(WorkflowTest, SeveralReplicasWriteProgressOnce) {
  StartOrchestrator();
  StartApp();
  TestApp second(options_), third(options_);
  const std::string id = Upload("u1");
  StartWorker([this, id](ActivityExecution& execution) {
    if (execution.task().activity_id() != "720p/chunk/1" || execution.task().workflow_id() != "video/" + id) return Encode(execution);
    execution.Heartbeat(0.5, "{}");
    return WaitAtGate(execution) ? Encode(execution) : ActivityOutcome::Failed("test.stopped", "stopped");
  });
  const auto settled = [&] {
    const Json low = Rendition(id, "360p"), high = Rendition(id, "720p"), audio = Rendition(id, "audio_0");
    return low["state"] == "DONE" && audio["state"] == "DONE" && high["progress_percent"] == 66 && Video(id).contains("storyboard_url");
  };
  ASSERT_TRUE(Eventually(settled)) << Video(id).dump(1);
  const int64_t version = Video(id)["version"];
  ASSERT_TRUE(Reaches(Upload("u2"), "READY"));
  EXPECT_EQ(Video(id)["version"], version) << "what one has written the others leave alone";
  OpenGate();
  ASSERT_TRUE(Reaches(id, "READY"));
}

TEST_F(WorkflowTest, OrchestratorKilledAndPostgresRestartedInTheMiddle) {
  StartOrchestrator();
  StartApp();
  StartWorker([this](ActivityExecution& execution) {
    return WaitAtGate(execution) ? Encode(execution) : ActivityOutcome::Failed("test.stopped", "stopped");
  });
  const std::string id = Upload("u1");
  ASSERT_TRUE(Eventually([&] { return Rendition(id, "360p").value("state", "") == "PROCESSING"; }));
  orchestrator_.Kill();
  const std::string later = Upload("u2");
  pg::TestPostgres::Shared().Kill();
  pg::TestPostgres::Shared().Start();
  StartOrchestrator();
  OpenGate();
  ASSERT_TRUE(Reaches(id, "READY"));
  ASSERT_TRUE(Reaches(later, "READY"));
  for (const auto& [activity, times] : Completions(id)) EXPECT_EQ(times, 1) << activity;
}

TEST_F(WorkflowTest, AVideoIsPausedResumedAndDoesNotWaitForItsRetry) {
  StartOrchestrator();
  StartApp();
  std::atomic<bool> broken{false}, released{false};
  StartWorker([&](ActivityExecution& execution) {
    if (execution.task().activity_id() != "720p/chunk/1") return Encode(execution);
    if (broken) {
      return ActivityOutcome::Failed("worker.child_crashed", "the encoder was killed");
    }
    if (!WaitAtGate(execution)) {
      released = execution.stop_cause() == workflow::StopCause::kDraining;
      return ActivityOutcome::Failed("test.stopped", "stopped");
    }
    return Encode(execution);
  });
  const std::string id = Upload("u1"), path = "/v1/videos/" + id;
  const auto running = [&](const Json& history) {
    for (const auto& pending : history["pending_activities"]) {
      if (pending["activity_id"] == "720p/chunk/1" && pending["state"] == "STARTED") return true;
    }
    return false;
  };
  ASSERT_TRUE(Eventually([&] {
    const auto history = app_->Call("GET", path + "/history");
    return history.status == 200 && running(Json::parse(history.body));
  }));
  EXPECT_EQ(app_->Call("POST", path + "/pause", R"({"why":"x"})").status, 400);
  const auto long_reason = app_->Call("POST", path + "/pause", Json{{"reason", std::string(1001, 'x')}}.dump());
  EXPECT_EQ(long_reason.status, 400);
  EXPECT_THAT(long_reason.body, HasSubstr("1000 bytes"));
  const auto paused = app_->Call("POST", path + "/pause", R"({"reason":"maintenance"})");
  ASSERT_EQ(paused.status, 200) << paused.body;
  EXPECT_EQ(Json::parse(paused.body)["paused"], true);
  EXPECT_EQ(Json::parse(paused.body)["pause_reason"], "maintenance");
  ASSERT_TRUE(Eventually([&] { return !running(Json::parse(app_->Call("GET", path + "/history").body)); }));
  EXPECT_TRUE(released);
  EXPECT_EQ(app_->Call("POST", path + "/pause").status, 200) << "again";
  EXPECT_EQ(Json::parse(app_->Call("GET", path + "/history").body)["workflow"]["pause_reason"], "maintenance");
  // With a fault, so that it waits for its next attempt.
  broken = true;
  const auto resumed = app_->Call("POST", path + "/resume");
  ASSERT_EQ(resumed.status, 200) << resumed.body;
  EXPECT_EQ(Json::parse(resumed.body)["paused"], false);
  ASSERT_TRUE(Eventually([&] { return Rendition(id, "720p").value("state", "") == "RETRYING"; }));
  broken = false;
  OpenGate();
  EXPECT_EQ(app_->Call("POST", path + "/retry-now", R"({"activity_id":"none"})").status, 404);
  const auto retried = app_->Call("POST", path + "/retry-now");
  EXPECT_EQ(retried.status, 200) << retried.body;
  EXPECT_LE(Json::parse(retried.body)["retried"].get<int>(), 1);
  ASSERT_TRUE(Reaches(id, "READY"));
  for (const char* action : {"pause", "resume", "retry-now"}) {
    const auto closed = app_->Call("POST", path + "/" + action);
    EXPECT_EQ(closed.status, 409) << action;
    EXPECT_THAT(closed.body, HasSubstr("closed (COMPLETED)"));
  }
  EXPECT_EQ(app_->Call("POST", "/v1/videos/" + std::string(32, 'a') + "/pause").status, 404);
}

TEST_F(WorkflowTest, APriorityReachesTheRunWheneverItIsGiven) {
  StartApp();
  auto upload = FinishedUpload("u1");
  (*upload.mutable_metadata())["priority"] = "7";
  ASSERT_THAT(app_->Announce(upload), IsOk());
  const std::string id = Json::parse(app_->Call("GET", "/v1/videos?page_size=1").body)["videos"][0]["video_id"];
  EXPECT_EQ(Video(id)["priority"], 7);
  const auto priority_of_run = [&] {
    const auto described = OrchestratorClient(orchestrator_.grpc()).Describe(WorkflowOf(id), "");
    return described.ok() ? described->info().priority() : -1;
  };
  StartOrchestrator();
  ASSERT_TRUE(Eventually([&] { return priority_of_run() == 7; }));
  const std::string path = "/v1/videos/" + id + "/priority";
  EXPECT_EQ(app_->Call("POST", path, "{}").status, 400);
  const auto too_high = app_->Call("POST", path, R"({"priority":1001})");
  EXPECT_EQ(too_high.status, 400);
  EXPECT_THAT(too_high.body, HasSubstr("-1000 to 1000"));
  const auto set = app_->Call("POST", path, R"({"priority":-3})");
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(Json::parse(set.body)["priority"], -3);
  EXPECT_EQ(priority_of_run(), -3);
}

TEST_F(WorkflowTest, QueuesAndTenantsAreSet) {
  StartOrchestrator();
  StartApp();
  EXPECT_EQ(app_->Call("GET", "/v1/queues").body, R"({"queues":[]})");
  const auto paused = app_->Call("PATCH", "/v1/queues/transcode", R"({"paused":true})");
  ASSERT_EQ(paused.status, 200) << paused.body;
  EXPECT_EQ(Json::parse(app_->Call("GET", "/v1/queues").body)["queues"][0]["queue"], "transcode");
  const std::string id = Upload("u1");
  StartWorker(&WorkflowTest::Encode);
  ASSERT_TRUE(Eventually([&] { return Video(id)["state"] == "PROCESSING"; }));
  ASSERT_TRUE(Eventually([&] {
    const Json fleet = Json::parse(app_->Call("GET", "/v1/fleet").body);
    for (const auto& queue : fleet["queues"]) {
      if (queue["name"] == "transcode") return queue["paused"] == true && queue["ready"] == 1;
    }
    return false;
  }));
  const auto limited = app_->Call("PATCH", "/v1/queues/transcode", R"({"max_running":2})");
  EXPECT_EQ(Json::parse(limited.body)["paused"], true);
  const auto wrong = app_->Call("PATCH", "/v1/queues/transcode", R"({"max_running":-2})");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(Json::parse(wrong.body)["error"]["field"], "max_running");
  EXPECT_EQ(Json::parse(app_->Call("GET", "/v1/queues/transcode").body)["max_running"], 2);
  EXPECT_EQ(app_->Call("DELETE", "/v1/queues/transcode").status, 200);
  EXPECT_TRUE(Reaches(id, "READY"));
  const auto tenant = app_->Call("PATCH", "/v1/tenants/acme", R"({"weight":2.5,"max_starts_per_second":1.5})");
  ASSERT_EQ(tenant.status, 200) << tenant.body;
  EXPECT_EQ(Json::parse(app_->Call("GET", "/v1/tenants").body)["tenants"][0]["weight"], 2.5);
  EXPECT_EQ(Json::parse(app_->Call("GET", "/v1/tenants/other").body)["weight"], 1);
  EXPECT_EQ(app_->Call("PATCH", "/v1/tenants/acme", R"({"weight":0})").status, 400);
  EXPECT_EQ(Json::parse(app_->Call("DELETE", "/v1/tenants/acme").body)["weight"], 1);
}

}  // namespace
}  // namespace vora::metadata
