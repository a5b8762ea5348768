// What becomes of the tasks of a worker that dies, is cut off, or loses an answer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <nlohmann/json.hpp>

#include "libs/pg/testing/test_postgres.h"
#include "libs/rpc/call.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/tcp_gate.h"
#include "libs/workflow/testing/test_orchestrator.h"
#include "libs/workflow/worker/activity_worker.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::workflow {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Stub = v1::ActivityService::StubInterface;

// Leases so long that only the session can tell.
constexpr char kLong[] = R"({"activity": "a", "options": {"heartbeatTimeout": "600s", "startToCloseTimeout": "600s",
                             "retry": {"maximumAttempts": 1}}})";

// A worker as others would write one: over the interface alone.
class RawWorker {
 public:
  explicit RawWorker(const std::string& address) : stub_(v1::ActivityService::NewStub(rpc::ConnectApart(address))) {
    v1::WatchWorkerRequest request;
    request.set_worker_id("raw");
    rpc::Prepare(context_, std::chrono::hours(1));
    watch_ = stub_->WatchWorker(&context_, request);
    watch_->WaitForInitialMetadata();
  }
  ~RawWorker() { Die(); }
  StatusOr<v1::RenewWorkerResponse> Renew(const std::vector<v1::HeldTask>& tasks) {
    v1::RenewWorkerRequest request;
    request.set_worker_id("raw");
    request.set_queue("test");
    for (const auto& task : tasks) *request.add_tasks() = task;
    return rpc::Call(*stub_, &Stub::RenewWorker, request, milliseconds(5000));
  }
  v1::ActivityTask Claim() {
    v1::PollActivitiesRequest request;
    request.set_queue("test");
    request.set_worker_id("raw");
    request.set_max_tasks(1);
    request.mutable_wait()->set_seconds(10);
    const auto response = rpc::Call(*stub_, &Stub::PollActivities, request, milliseconds(15'000));
    EXPECT_THAT(response, IsOk());
    return response.ok() && response->tasks_size() > 0 ? response->tasks(0) : v1::ActivityTask();
  }
  v1::WorkerOrders ReadOrders() {
    v1::WorkerOrders orders;
    EXPECT_TRUE(watch_->Read(&orders));
    return orders;
  }
  void BreakStream() {
    if (!watch_) return;
    context_.TryCancel();
    (void)watch_->Finish();
    watch_.reset();
  }
  void Die() {
    BreakStream();
    stub_.reset();
  }

 private:
  std::unique_ptr<v1::ActivityService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderInterface<v1::WorkerOrders>> watch_;
};

v1::HeldTask Held(const v1::ActivityTask& task, double progress = 0, const std::string& checkpoint = "") {
  v1::HeldTask held;
  held.set_task_token(task.task_token());
  held.set_progress(progress);
  held.set_checkpoint(checkpoint);
  return held;
}

class WorkerSessionsTest : public ::testing::Test {
 protected:
  TestOrchestrator orchestrator_{pg::TestPostgres::Shared().NewDatabase()};
  Engine& engine_ = orchestrator_.engine();
};

TEST_F(WorkerSessionsTest, APauseIsToldAtOnceAndAgainWithEachReport) {
  StartScript(engine_, "w", kLong);
  RawWorker worker(orchestrator_.address());
  ASSERT_THAT(worker.Renew({}), IsOk());
  const auto task = worker.Claim();
  v1::PauseWorkflowRequest pause;
  pause.set_workflow_id("w");
  ASSERT_THAT(engine_.Pause(pause), IsOk());
  EXPECT_THAT(worker.ReadOrders().release(), ElementsAre(task.task_token()));
  // A worker that missed it asks.
  EXPECT_THAT(worker.Renew({Held(task)})->orders().release(), ElementsAre(task.task_token()));
  v1::UnpauseWorkflowRequest unpause;
  unpause.set_workflow_id("w");
  ASSERT_THAT(engine_.Unpause(unpause), IsOk());
  EXPECT_THAT(worker.Renew({Held(task)})->orders().release(), ::testing::IsEmpty());
  EXPECT_THAT(Complete(engine_, task, "1"), IsOk()) << "one that does not know the order works on";
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["1"])");
}

TEST_F(WorkerSessionsTest, ADeadWorkersTasksGoToAnotherThoughTheirLeasesAreLong) {
  StartScript(engine_, "w", kLong);
  RawWorker worker(orchestrator_.address());
  ASSERT_THAT(worker.Renew({}), IsOk());
  const auto task = worker.Claim();
  const auto renewed = worker.Renew({Held(task, 0.5, "{\"n\":3}")});
  ASSERT_THAT(renewed, IsOk());
  EXPECT_THAT(renewed->stored(), ElementsAre(task.task_token()));
  worker.Die();
  const auto again = ClaimOne(engine_);
  EXPECT_EQ(again.attempt(), 2) << "lost with its worker: no failure, of which the policy allows none";
  EXPECT_EQ(again.checkpoint(), "{\"n\":3}");
  EXPECT_THAT(Complete(engine_, task), StatusIs(StatusCode::kAborted));
  EXPECT_THAT(Complete(engine_, again, "1"), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["1"])");
}

TEST_F(WorkerSessionsTest, AWorkerThatFallsSilentIsDeadThoughItsConnectionIsOpen) {
  StartScript(engine_, "w", kLong);
  RawWorker worker(orchestrator_.address());
  ASSERT_THAT(worker.Renew({}), IsOk());
  const auto task = worker.Claim();
  EXPECT_EQ(ClaimOne(engine_).attempt(), 2);
  const auto late = worker.Renew({Held(task)});
  ASSERT_THAT(late, IsOk());
  EXPECT_THAT(late->orders().stale(), ElementsAre(task.task_token()));
}

// Both in one look at the leases: the report holds.
TEST_F(WorkerSessionsTest, AWorkerWhoseStreamBreaksKeepsItsLeaseByReporting) {
  StartScript(engine_, "w", kLong);
  RawWorker worker(orchestrator_.address());
  ASSERT_THAT(worker.Renew({}), IsOk());
  const auto task = worker.Claim();
  worker.BreakStream();
  for (int i = 0; i < 10; ++i) {
    const auto renewed = worker.Renew({Held(task)});
    ASSERT_THAT(renewed, IsOk());
    EXPECT_TRUE(renewed->orders().stale().empty());
  }
  EXPECT_THAT(Complete(engine_, task, "1"), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["1"])");
}

TEST_F(WorkerSessionsTest, ATaskWhoseAnswerWasLostIsGivenToAnother) {
  StartScript(engine_, "w", kLong);
  RawWorker worker(orchestrator_.address());
  ASSERT_THAT(worker.Renew({}), IsOk());
  (void)worker.Claim();
  v1::PollActivitiesRequest poll;
  poll.set_queue("test");
  poll.set_worker_id("tester");
  poll.set_max_tasks(1);
  EXPECT_TRUE(Eventually([&] {
    EXPECT_THAT(worker.Renew({}), IsOk());  // alive, and without it
    return !engine_.Claim(poll).value().empty();
  }));
}

TEST_F(WorkerSessionsTest, ACancelIsToldAtOnceAndAgainWithEveryReport) {
  StartScript(engine_, "w", kLong);
  RawWorker worker(orchestrator_.address());
  ASSERT_THAT(worker.Renew({}), IsOk());
  const auto task = worker.Claim();
  v1::CancelWorkflowRequest cancel;
  cancel.set_workflow_id("w");
  ASSERT_THAT(engine_.Cancel(cancel), IsOk());
  EXPECT_THAT(worker.ReadOrders().cancel(), ElementsAre(task.task_token()));
  // The run has closed with the cancel, as nothing cleans up: its tasks are not the worker's any more.
  const auto renewed = worker.Renew({Held(task)});
  ASSERT_THAT(renewed, IsOk());
  EXPECT_THAT(renewed->orders().stale(), ElementsAre(task.task_token()));

  StartScript(engine_, "v", std::string(kLong) + R"(, {"cleanup": {"timer_ms": 600000}})");
  const auto second = worker.Claim();
  cancel.set_workflow_id("v");
  ASSERT_THAT(engine_.Cancel(cancel), IsOk());
  EXPECT_THAT(worker.ReadOrders().cancel(), ElementsAre(second.task_token())) << "without a report in between";
  const auto again = worker.Renew({Held(second)});
  ASSERT_THAT(again, IsOk());
  EXPECT_THAT(again->orders().cancel(), ElementsAre(second.task_token()));
}

TEST_F(WorkerSessionsTest, ReportsNameWhatIsWrong) {
  RawWorker worker(orchestrator_.address());
  v1::HeldTask held;
  held.set_task_token("nonsense");
  EXPECT_THAT(Message(worker.Renew({held}).status()), HasSubstr("task_token: not a token"));
  held.set_task_token("r.1.2");
  held.set_progress(2);
  EXPECT_THAT(Message(worker.Renew({held}).status()), HasSubstr("tasks.progress: must be 0 to 1"));
}

class CutOffTest : public WorkerSessionsTest {
 protected:
  CutOffTest() {
    const std::string address = orchestrator_.address();
    gate_ = std::make_unique<TcpGate>("127.0.0.1", std::stoi(address.substr(address.rfind(':') + 1)));
    ActivityWorkerOptions options;
    options.orchestrator = "127.0.0.1:" + std::to_string(gate_->port());
    options.queue = "test";
    worker_ = std::make_unique<ActivityWorker>(options, metrics_);
  }
  ~CutOffTest() override {
    gate_->Pass();
    worker_.reset();
  }
  obs::Metrics metrics_;
  std::unique_ptr<TcpGate> gate_;
  std::unique_ptr<ActivityWorker> worker_;
};

// A replica that is cut off without a word keeps its connections open.
TEST_F(CutOffTest, AConnectionThatFallsSilentIsReplacedBeforeTheWorkIsGivenAway) {
  std::latch begun(1), finish(1);
  worker_->Handle("a", [&](ActivityExecution& execution) {
    begun.count_down();
    finish.wait();
    return ActivityOutcome::Ok(std::to_string(execution.task().attempt()));
  });
  worker_->Start();
  StartScript(engine_, "w", R"({"activity": "a", "options": {"heartbeatTimeout": "10s", "startToCloseTimeout": "600s"}})");
  begun.wait();
  const int connections = gate_->connections();
  gate_->StallOpen();
  ASSERT_TRUE(Eventually([&] { return gate_->connections() > connections; }));
  finish.count_down();
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["1"])");
}

TEST_F(CutOffTest, AWorkerThatReachesNobodyGivesUpByItself) {
  std::atomic<bool> lost{false};
  std::latch begun(1);
  worker_->Handle("a", [&](ActivityExecution& execution) {
    begun.count_down();
    while (!execution.stopping()) std::this_thread::yield();
    lost = execution.stop_cause() == StopCause::kLeaseLost;
    return ActivityOutcome::Failed("stopped", "stopped");
  });
  worker_->Start();
  StartScript(engine_, "w", R"({"activity": "a", "options": {"heartbeatTimeout": "1s", "startToCloseTimeout": "600s"}})");
  begun.wait();
  gate_->Stall();
  ASSERT_TRUE(Eventually([&] { return worker_->running() == 0; }));
  EXPECT_TRUE(lost) << "nobody could tell it";
  const auto again = ClaimOne(engine_);
  EXPECT_EQ(again.attempt(), 2);
  gate_->Pass();
  EXPECT_TRUE(Eventually([&] { return worker_->Health().ok(); })) << "it finds its way back";
  EXPECT_THAT(Complete(engine_, again, "2"), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["2"])");
}

}  // namespace
}  // namespace vora::workflow
