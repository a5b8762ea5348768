// A new task goes to a poll that waits, in the transaction that schedules it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <pqxx/pqxx>

#include "libs/pg/testing/test_postgres.h"
#include "libs/testing/status_matchers.h"
#include "libs/workflow/testing/test_orchestrator.h"
#include "libs/workflow/worker/activity_worker.h"

namespace vora::workflow {
namespace {

using namespace testing;

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
  // Starts a workflow of one activity while a worker waits, and asks while that runs.
  bool RunOne() {
    ActivityWorkerOptions options;
    options.orchestrator = orchestrator_.address();
    options.queue = "test";
    options.slots = 2;
    ActivityWorker worker(options, metrics_);
    std::latch begun(1), finish(1);
    worker.Handle("a", [&](ActivityExecution& execution) {
      begun.count_down();
      finish.wait();
      return ActivityOutcome::Ok(std::to_string(execution.task().attempt()));
    });
    // Done once: the poll after it waits, and the queue is known to be empty.
    worker.Handle("first", [](ActivityExecution&) { return ActivityOutcome::Ok("{}"); });
    worker.Start();
    StartScript(engine_, "first", R"({"activity": "first"})");
    WaitClosed(engine_, "first");
    EXPECT_TRUE(Eventually([&] { return worker.running() == 0; }));
    StartScript(engine_, "w", R"({"activity": "a", "options": {"heartbeatTimeout": "10s", "startToCloseTimeout": "60s"}})");
    begun.wait();
    const bool at_once = StartedWhenScheduled();
    finish.count_down();
    EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["1"])");
    return at_once;
  }
  const std::string database_ = pg::TestPostgres::Shared().NewDatabase();
  TestOrchestrator orchestrator_{database_};
  Engine& engine_ = orchestrator_.engine();
  obs::Metrics metrics_;
};

TEST_F(HandOutTest, ATaskGoesToAPollThatWaitsWithTheCommitThatSchedulesIt) { EXPECT_TRUE(RunOne()); }

TEST_F(HandOutTest, NotWhileOperatorsHaveSetLimits) {
  Execute("INSERT INTO workflow_queues (queue, max_running) VALUES ('another', 5)");
  EXPECT_FALSE(RunOne());
}

}  // namespace
}  // namespace vora::workflow
