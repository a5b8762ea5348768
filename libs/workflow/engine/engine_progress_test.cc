// What a look at all that is under way costs; what it finds is tested with the stream (service/progress_stream_test.cc).

#include <gtest/gtest.h>
#include <pqxx/pqxx>

#include "libs/pg/testing/test_postgres.h"
#include "libs/testing/status_matchers.h"
#include "libs/workflow/testing/test_orchestrator.h"

namespace vora::workflow {
namespace {

using namespace testing;

constexpr int kLooks = 50;
constexpr int kWaiting = 20'000;

struct Uses {
  int64_t scans = 0, rows = 0;
};

TEST(EngineProgressTest, ALookDoesNotReadWhatWaits) {
  const std::string database = pg::TestPostgres::Shared().NewDatabase();
  TestOrchestrator orchestrator(database);
  Engine& engine = orchestrator.engine();
  StartScript(engine, "w", R"({"all": [{"activity": "a", "id": "one"}, {"activity": "a", "id": "two", "options":
    {"retry": {"initialInterval": "3600s"}}}]})");
  (void)ClaimOne(engine);
  ASSERT_THAT(Fail(engine, ClaimOne(engine), "broken"), IsOk());
  pqxx::connection connection(database);
  {
    pqxx::work tx(connection);
    tx.exec_params(R"(INSERT INTO activity_tasks (run_id, scheduled_event_id, workflow_id, tenant, traceparent, queue, activity_type,
      activity_id, priority, estimated_cost, input, retry, schedule_to_start_us, start_to_close_us, heartbeat_us, scheduled_time_us,
      visible_at_us) SELECT 'waiting', n, 'waiting', 'default', '', 'none', 'a', 'a', 0, 0, '', '{}', 0, 0, 0, 0, 0
      FROM generate_series(1, $1) AS n)",
                   kWaiting);
    tx.commit();
  }
  const auto uses = [&](const char* index) {
    pqxx::work tx(connection);
    const auto row = tx.exec_params1("SELECT idx_scan, idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = $1", index);
    return Uses{row[0].as<int64_t>(), row[1].as<int64_t>()};
  };
  const Uses running = uses("activity_tasks_of_worker"), retried = uses("activity_tasks_retried");
  for (int i = 0; i < kLooks; ++i) {
    const auto looked = engine.ReadProgress();
    ASSERT_THAT(looked, IsOk());
    ASSERT_EQ(looked->size(), 1u);
    ASSERT_EQ(looked->begin()->second.activities_size(), 2);
  }
  // PostgreSQL counts a moment later.
  ASSERT_TRUE(Eventually([&] { return uses("activity_tasks_retried").scans >= retried.scans + kLooks; }));
  ASSERT_TRUE(Eventually([&] { return uses("activity_tasks_of_worker").scans >= running.scans + kLooks; }));
  EXPECT_LT(uses("activity_tasks_retried").rows - retried.rows, kWaiting);
  EXPECT_LT(uses("activity_tasks_of_worker").rows - running.rows, kWaiting);
}

}  // namespace
}  // namespace vora::workflow
