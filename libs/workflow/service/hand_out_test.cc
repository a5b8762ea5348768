// A new task goes to a poll that waits, in the transaction that schedules it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <pqxx/pqxx>
#include <semaphore>

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
  const std::string database_ = pg::TestPostgres::Shared().NewDatabase();
  TestOrchestrator orchestrator_{database_};
  Engine& engine_ = orchestrator_.engine();
  obs::Metrics metrics_;
};

TEST_F(HandOutTest, ATaskGoesToAPollThatWaitsWithTheCommitThatSchedulesIt) { EXPECT_GT(GivenAtOnce(20), 0); }

TEST_F(HandOutTest, NotWhileOperatorsHaveSetLimits) {
  Execute("INSERT INTO workflow_queues (queue, max_running) VALUES ('another', 5)");
  EXPECT_EQ(GivenAtOnce(5), 0);
}

}  // namespace
}  // namespace vora::workflow
