// A new task goes to a poll that waits, or to a worker whose report makes room, in the transaction that schedules it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <pqxx/pqxx>
#include <semaphore>

#include "libs/pg/testing/test_postgres.h"
#include "libs/rpc/call.h"
#include "libs/rpc/client.h"
#include "libs/testing/status_matchers.h"
#include "libs/workflow/service/dispatcher.h"
#include "libs/workflow/testing/test_orchestrator.h"
#include "libs/workflow/worker/activity_worker.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::workflow {
namespace {

using namespace testing;
using std::chrono::milliseconds;
constexpr char kTwoSteps[] = R"({"activity": "a"}, {"activity": "b"})";

v1::PollActivitiesRequest PollOf(const std::string& worker) {
  v1::PollActivitiesRequest poll;
  poll.set_queue("test");
  poll.set_worker_id(worker);
  poll.set_max_tasks(1);
  poll.mutable_wait()->set_seconds(5);
  return poll;
}

v1::CompleteActivityRequest ReportOf(const v1::ActivityTask& task, const std::string& worker) {
  v1::CompleteActivityRequest report;
  report.set_task_token(task.task_token());
  report.set_result("{}");
  *report.mutable_next() = PollOf(worker);
  return report;
}

class HandOutTest : public ::testing::Test {
 protected:
  void Execute(const std::string& sql) {
    pqxx::connection connection(database_);
    pqxx::work tx(connection);
    tx.exec(sql);
    tx.commit();
  }
  // Whether the task was started by the transaction that wrote the event which scheduled it.
  bool StartedWhenScheduled() {
    pqxx::connection connection(database_);
    pqxx::nontransaction tx(connection);
    return tx
        .exec1(
            "SELECT t.xmin = e.xmin AND t.state = 'STARTED' FROM activity_tasks t JOIN workflow_events e ON e.run_id = t.run_id "
            "AND e.event_id = t.scheduled_event_id")[0]
        .as<bool>();
  }
  // Starts workflows of one activity while a worker waits, and looks while that runs: how many of `tries` were given to it at once. A poll
  // that has only just come is not known to be in front of an empty queue, so not every one is.
  int GivenAtOnce(int tries) {
    ActivityWorkerOptions options;
    options.orchestrator = orchestrator_.address();
    options.queue = "test";
    options.slots = 2;
    ActivityWorker worker(options, metrics_);
    std::counting_semaphore<> begun(0), finish(0);
    worker.Handle("a", [&](ActivityExecution& execution) {
      begun.release();
      finish.acquire();
      return ActivityOutcome::Ok(std::to_string(execution.task().attempt()));
    });
    worker.Start();
    int at_once = 0;
    for (int i = 0; i < tries; ++i) {
      const std::string id = "w" + std::to_string(i);
      StartScript(engine_, id, R"({"activity": "a", "options": {"heartbeatTimeout": "10s", "startToCloseTimeout": "60s"}})");
      begun.acquire();
      if (StartedWhenScheduled()) ++at_once;
      finish.release();
      EXPECT_EQ(WaitClosed(engine_, id).result(), R"(["1"])");
    }
    return at_once;
  }
  v1::ActivityTask Poll(const std::string& worker) {
    const auto response = rpc::Call(stub_, &v1::ActivityService::Stub::PollActivities, PollOf(worker), milliseconds{8000});
    return response.ok() && response->tasks_size() > 0 ? response->tasks(0) : v1::ActivityTask();
  }
  StatusOr<v1::CompleteActivityResponse> Report(const v1::CompleteActivityRequest& report) {
    return rpc::Call(stub_, &v1::ActivityService::Stub::CompleteActivity, report, milliseconds{8000});
  }
  ActivityWorkerOptions OneSlot() const {
    ActivityWorkerOptions options;
    options.orchestrator = orchestrator_.address();
    options.queue = "test";
    options.slots = 1;
    return options;
  }
  const std::string database_ = pg::TestPostgres::Shared().NewDatabase();
  TestOrchestrator orchestrator_{database_};
  Engine& engine_ = orchestrator_.engine();
  v1::ActivityService::Stub stub_{rpc::Connect(orchestrator_.address())};
  obs::Metrics metrics_;
};

TEST_F(HandOutTest, ATaskGoesToAPollThatWaitsWithTheCommitThatSchedulesIt) { EXPECT_GT(GivenAtOnce(20), 0); }

TEST_F(HandOutTest, NotWhileOperatorsHaveSetLimits) {
  Execute("INSERT INTO workflow_queues (queue, max_running) VALUES ('another', 5)");
  EXPECT_EQ(GivenAtOnce(5), 0);
}

TEST_F(HandOutTest, AReportIsAnsweredWithTheTaskThatItSchedules) {
  StartScript(engine_, "w", kTwoSteps);
  const auto first = Poll("one");
  ASSERT_EQ(first.activity_type(), "a");
  const auto answer = Report(ReportOf(first, "one"));
  ASSERT_THAT(answer, IsOk());
  ASSERT_EQ(answer->next().activity_type(), "b");
  EXPECT_TRUE(StartedWhenScheduled());
  const auto repeated = Report(ReportOf(first, "one"));
  ASSERT_THAT(repeated, IsOk());
  EXPECT_FALSE(repeated->has_next()) << "a repeated report schedules nothing";
  const auto last = Report(ReportOf(answer->next(), "one"));
  ASSERT_THAT(last, IsOk());
  EXPECT_FALSE(last->has_next());
  EXPECT_EQ(WaitClosed(engine_, "w").status(), v1::WORKFLOW_STATUS_COMPLETED);
}

TEST_F(HandOutTest, NotBeforeOthersThatAreReady) {
  StartScript(engine_, "w", kTwoSteps);
  const auto first = Poll("one");
  StartScript(engine_, "other", kTwoSteps);
  const auto answer = Report(ReportOf(first, "one"));
  ASSERT_THAT(answer, IsOk());
  EXPECT_FALSE(answer->has_next());
  EXPECT_EQ(Poll("one").workflow_id(), "w") << "finish first";
  EXPECT_EQ(Poll("one").workflow_id(), "other");
}

TEST_F(HandOutTest, NotBeforeAWorkerThatWaits) {
  Dispatcher dispatcher(engine_);
  engine_.SetPollSource(&dispatcher);
  const auto poll = [&](const std::string& worker) {
    auto tasks = std::make_shared<std::promise<std::vector<v1::ActivityTask>>>();
    dispatcher.Add(PollOf(worker), milliseconds{8000},
                   [tasks](const Status&, std::vector<v1::ActivityTask> given) { tasks->set_value(std::move(given)); });
    return tasks->get_future();
  };
  StartScript(engine_, "w", kTwoSteps);
  const auto first = poll("one").get();
  ASSERT_EQ(first.size(), 1u);
  auto other = poll("other");
  ASSERT_TRUE(Eventually([&] {
    const auto waiting = dispatcher.Take("test", "b", {});
    if (waiting) dispatcher.Answer(waiting, {});
    return waiting != nullptr;
  })) << "it has found nothing, and waits";
  std::promise<StatusOr<v1::CompleteActivityResponse>> answered;
  const auto report = ReportOf(first[0], "one");
  engine_.Complete(report, [&](StatusOr<v1::CompleteActivityResponse> answer) { answered.set_value(std::move(answer)); });
  const auto answer = answered.get_future().get();
  ASSERT_THAT(answer, IsOk());
  EXPECT_FALSE(answer->has_next());
  const auto given = other.get();
  ASSERT_EQ(given.size(), 1u);
  EXPECT_EQ(given[0].activity_type(), "b");
  EXPECT_TRUE(StartedWhenScheduled());
  engine_.SetPollSource(nullptr);
}

TEST_F(HandOutTest, NotWhileWhatHasComeIsClaimedForOthersOnly) {
  Dispatcher dispatcher(engine_);
  const auto add = [&](v1::PollActivitiesRequest poll, const std::string& type) {
    poll.add_activity_types(type);
    auto answered = std::make_shared<std::promise<void>>();
    dispatcher.Add(poll, milliseconds{8000}, [answered](const Status&, std::vector<v1::ActivityTask>) { answered->set_value(); });
    return answered->get_future();
  };
  auto like = PollOf("one");
  like.add_activity_types("a");
  StartScript(engine_, "w", kTwoSteps);
  add(PollOf("one"), "a").get();
  EXPECT_TRUE(dispatcher.NothingWaits(like));
  auto other = add(PollOf("other"), "x");
  const auto other_waits = [&] {
    const auto waiting = dispatcher.Take("test", "x", {});
    if (waiting) dispatcher.Answer(waiting, {});
    return waiting != nullptr;
  };
  ASSERT_TRUE(Eventually(other_waits));
  StartScript(engine_, "next", kTwoSteps);
  dispatcher.Wake("test");
  ASSERT_TRUE(Eventually(other_waits)) << "it has looked, and found nothing for it";
  EXPECT_FALSE(dispatcher.NothingWaits(like)) << "one waits that only they would take";
  add(PollOf("one"), "a").get();
  EXPECT_TRUE(dispatcher.NothingWaits(like));
  dispatcher.Stop();
  other.get();
}

TEST_F(HandOutTest, AReportThatAsksForTheWrongThingSaysSo) {
  StartScript(engine_, "w", kTwoSteps);
  auto report = ReportOf(Poll("one"), "one");
  report.mutable_next()->set_max_tasks(2);
  EXPECT_THAT(Report(report), StatusIs(StatusCode::kInvalidArgument, ::testing::HasSubstr("next.max_tasks")));
  report.mutable_next()->set_max_tasks(1);
  report.mutable_next()->clear_queue();
  EXPECT_THAT(Report(report), StatusIs(StatusCode::kInvalidArgument, ::testing::HasSubstr("next.queue")));
  report.mutable_next()->set_queue("test");
  EXPECT_THAT(Report(report), IsOk()) << "nothing was taken before";
}

TEST_F(HandOutTest, AWorkerGoesOnWithWhatItsReportWasAnswered) {
  ActivityWorker worker(OneSlot(), metrics_);
  std::counting_semaphore<> begun(0), finish(0);
  const auto handler = [&](ActivityExecution&) {
    begun.release();
    finish.acquire();
    return ActivityOutcome::Ok("{}");
  };
  worker.Handle("a", handler);
  worker.Handle("b", handler);
  worker.Start();
  StartScript(engine_, "w", kTwoSteps);
  begun.acquire();
  finish.release();
  begun.acquire();
  EXPECT_TRUE(StartedWhenScheduled()) << "its only slot was busy, so no poll of it waited";
  EXPECT_EQ(worker.running(), 1);
  finish.release();
  WaitClosed(engine_, "w");
}

TEST_F(HandOutTest, AWorkerThatMayNotClaimAsksForNothingMore) {
  std::atomic<bool> may_claim{true};
  auto options = OneSlot();
  options.may_claim = [&] { return may_claim.load(); };
  ActivityWorker worker(options, metrics_);
  worker.Handle("a", [&](ActivityExecution&) {
    may_claim = false;
    return ActivityOutcome::Ok("{}");
  });
  worker.Handle("b", [&](ActivityExecution&) { return ActivityOutcome::Ok(may_claim ? "true" : "false"); });
  worker.Start();
  StartScript(engine_, "w", kTwoSteps);
  ASSERT_TRUE(Eventually([&] { return !may_claim && worker.running() == 0; }));
  may_claim = true;
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["{}","true"])");
}

}  // namespace
}  // namespace vora::workflow
