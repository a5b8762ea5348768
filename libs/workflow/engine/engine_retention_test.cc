// Closed runs leave after a while; what is known of them stays.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "libs/core/ids.h"
#include "libs/pg/database.h"
#include "libs/pg/testing/test_postgres.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"
#include "libs/workflow/definition/replayer.h"
#include "libs/workflow/store/migrations.h"
#include "libs/workflow/testing/test_orchestrator.h"

namespace vora::workflow {
namespace {

using namespace testing;
using ::testing::HasSubstr;

constexpr char kOne[] = R"({"activity": "a", "id": "one", "options": {"retry": {"initialInterval": "0.001s"}}})";

class RetentionTest : public ::testing::Test {
 protected:
  void Open(RetentionOptions retention = {}) {
    EngineOptions options;
    options.retention = std::move(retention);
    orchestrator_ = std::make_unique<TestOrchestrator>(url_, TestOrchestrator::DefaultRegistry(), TestOrchestrator::QuickPasses(),
                                                       rpc::Authorizer::Open(), options);
  }
  Engine& engine() { return orchestrator_->engine(); }

  v1::StartWorkflowRequest Request(const std::string& id, const std::string& request_id, const std::string& tenant = "") {
    v1::StartWorkflowRequest request;
    request.set_workflow_id(id);
    request.set_type("Script");
    request.set_request_id(request_id);
    request.set_tenant(tenant);
    request.set_input(std::string("{\"steps\": [") + kOne + "]}");
    return request;
  }
  // A closed run with an attempt that failed; its id.
  std::string Closed(const std::string& id, const std::string& request_id, const std::string& tenant = "") {
    const std::string run_id = engine().Start(Request(id, request_id, tenant)).value().run_id();
    EXPECT_THAT(Fail(engine(), ClaimOne(engine()), "x").status(), IsOk());
    EXPECT_THAT(Complete(engine(), ClaimOne(engine())), IsOk());
    EXPECT_EQ(WaitClosed(engine(), id).status(), v1::WORKFLOW_STATUS_COMPLETED);
    return run_id;
  }
  pqxx::result Sql(const std::string& sql) {
    return db_.Transact([&](pqxx::work& tx) -> StatusOr<pqxx::result> { return tx.exec(sql); }).value();
  }
  int Count(const std::string& from) { return Sql("SELECT count(*) FROM " + from)[0][0].as<int>(); }
  // As if the run had started, and closed, so many days ago: its id tells the time too.
  std::string MakeOlder(const std::string& run_id, int days) {
    const std::string older = Sql("SELECT vora_run_ids_from(start_time_us - 86400000000 * " + std::to_string(days) +
                                  ") || substr(run_id, 13) FROM workflow_runs WHERE run_id = '" + run_id + "'")[0][0]
                                  .as<std::string>();
    for (const std::string table : {"workflow_runs", "workflow_events", "workflow_attempts"}) {
      Sql("UPDATE " + table + " SET run_id = '" + older + "' WHERE run_id = '" + run_id + "'");
    }
    Sql("UPDATE workflow_runs SET start_time_us = start_time_us - 86400000000 * " + std::to_string(days) +
        ", close_time_us = close_time_us - 86400000000 * " + std::to_string(days) + " WHERE run_id = '" + older + "'");
    return older;
  }
  bool Leaves(const std::string& run_id) {
    return Eventually([&] { return Count("workflow_runs WHERE run_id = '" + run_id + "'") == 0; });
  }
  // Whatever is to leave has left: the walk has begun, and come to its end, twice.
  void WholeWalk() {
    const std::string left = Closed("walk/" + RandomHex(4), "");
    ASSERT_TRUE(Leaves(MakeOlder(left, 5000)));
    const std::string later = Closed("walk/" + RandomHex(4), "");
    ASSERT_TRUE(Leaves(MakeOlder(later, 5000)));
  }

  const std::string url_ = pg::TestPostgres::Shared().NewDatabase();
  obs::Metrics metrics_;
  pg::Database db_{{.url = url_}, metrics_};
  std::unique_ptr<TestOrchestrator> orchestrator_;
};

TEST_F(RetentionTest, ClosedRunsLeaveWithAllThatBelongsToThem) {
  Open();
  const std::string stays = Closed("young", "1");
  const std::string leaves = MakeOlder(Closed("old", "1"), 31);
  ASSERT_TRUE(Leaves(leaves));
  EXPECT_EQ(Count("workflow_events WHERE run_id = '" + leaves + "'"), 0);
  EXPECT_EQ(Count("workflow_attempts WHERE run_id = '" + leaves + "'"), 0);
  WholeWalk();
  EXPECT_EQ(Count("workflow_runs WHERE run_id = '" + stays + "'"), 1);
  EXPECT_EQ(Count("workflow_attempts WHERE run_id = '" + stays + "'"), 1);
  EXPECT_FALSE(History(engine(), "young").empty());

  v1::DescribeWorkflowRequest describe;
  describe.set_workflow_id("old");
  const Status gone = engine().Describe(describe).status();
  EXPECT_THAT(gone, StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(Message(gone), HasSubstr("workflow old is not kept any more: its run " + leaves + " closed (COMPLETED) at 20"));
  v1::GetHistoryRequest history;
  history.set_workflow_id("old");
  history.set_run_id(leaves);
  EXPECT_THAT(Message(engine().GetHistory(history).status()), HasSubstr("not kept any more"));
  v1::SignalWorkflowRequest signal;
  signal.set_workflow_id("old");
  signal.set_name("s");
  EXPECT_THAT(engine().Signal(signal), StatusIs(StatusCode::kNotFound));
  history.set_run_id("another");
  EXPECT_THAT(Message(engine().GetHistory(history).status()), HasSubstr("no workflow old with run another"));
}

TEST_F(RetentionTest, AStartThatIsRepeatedLateStartsNothing) {
  Open();
  const std::string first = MakeOlder(Closed("old", "1"), 60);
  ASSERT_TRUE(Leaves(first));
  auto request = Request("old", "1");
  const auto again = engine().Start(request);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->run_id(), first);
  EXPECT_FALSE(again->started());
  request.set_request_id("2");
  const Status refused = engine().Start(request).status();
  EXPECT_THAT(refused, StatusIs(StatusCode::kAlreadyExists));
  EXPECT_THAT(Message(refused), HasSubstr("closed run " + first + " (COMPLETED)"));

  request.set_reuse_policy(v1::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE);
  const auto second = engine().Start(request);
  ASSERT_THAT(second, IsOk());
  EXPECT_TRUE(second->started());
  // While a newer run is there too.
  const auto late = engine().Start(Request("old", "1"));
  ASSERT_THAT(late, IsOk());
  EXPECT_EQ(late->run_id(), first);
  // And when that one has left as well.
  ASSERT_THAT(Complete(engine(), ClaimOne(engine())), IsOk());
  WaitClosed(engine(), "old");
  const std::string newer = MakeOlder(second->run_id(), 40);
  ASSERT_TRUE(Leaves(newer));
  EXPECT_EQ(engine().Start(Request("old", "1"))->run_id(), first);
  EXPECT_EQ(engine().Start(Request("old", "2"))->run_id(), newer);
  EXPECT_THAT(Message(engine().Start(Request("old", "3")).status()), HasSubstr("closed run " + newer));
}

TEST_F(RetentionTest, OpenRunsAndThoseOfTenantsThatKeepThemLongerStay) {
  Open();
  Sql("INSERT INTO workflow_retention (tenant, days) VALUES ('short', 2), ('long', 100), ('ever', 0)");
  const std::string in_long = MakeOlder(Closed("long", "1", "long"), 50), in_ever = MakeOlder(Closed("ever", "1", "ever"), 1000);
  const std::string usual = MakeOlder(Closed("usual", "1"), 20);
  const std::string open = engine().Start(Request("open", "1")).value().run_id();
  Sql("UPDATE workflow_runs SET start_time_us = 1 WHERE run_id = '" + open + "'");
  ASSERT_THAT(Complete(engine(), ClaimOne(engine())), IsOk());  // not left for others
  const std::string reopened = engine().Start(Request("waits", "1")).value().run_id();
  Sql("UPDATE activity_tasks SET run_id = '0' || substr(run_id, 2) WHERE run_id = '" + reopened + "'");
  for (const std::string table : {"workflow_runs", "workflow_events"}) {
    Sql("UPDATE " + table + " SET run_id = '0' || substr(run_id, 2) WHERE run_id = '" + reopened + "'");
  }
  const std::string in_short = MakeOlder(Closed("short", "1", "short"), 3);
  ASSERT_TRUE(Leaves(in_short));
  EXPECT_EQ(Count("workflow_runs WHERE run_id IN ('" + in_long + "', '" + in_ever + "', '" + usual + "')"), 3);
  EXPECT_EQ(Count("workflow_runs WHERE workflow_id = 'waits'"), 1);
}

TEST_F(RetentionTest, WithoutAnEndNothingLeaves) {
  RetentionOptions retention;
  retention.days = 0;
  Open(retention);
  const std::string kept = MakeOlder(Closed("old", "1"), 3000);
  // A tenant's own goes all the same.
  Sql("INSERT INTO workflow_retention (tenant, days) VALUES ('short', 2)");
  ASSERT_TRUE(Leaves(MakeOlder(Closed("short", "1", "short"), 2999)));
  EXPECT_EQ(Count("workflow_runs WHERE run_id = '" + kept + "'"), 1);
}

TEST_F(RetentionTest, IdsAreForgottenInTheEnd) {
  Open();
  ASSERT_TRUE(Leaves(MakeOlder(Closed("old", "1"), 60)));
  ASSERT_EQ(Count("workflow_past_runs"), 1);
  Sql("UPDATE workflow_past_runs SET left_us = left_us - 86400000000 * 401");
  EXPECT_TRUE(Eventually([&] { return Count("workflow_past_runs") == 0; }));
  EXPECT_TRUE(engine().Start(Request("old", "1"))->started());
}

TEST_F(RetentionTest, EachIsWrittenBeforeItLeavesAndStaysWhileItCannotBe) {
  const TempFolder folder;
  RetentionOptions retention;
  retention.export_folder = folder / "runs";
  std::ofstream(folder / "runs") << "no folder";
  Open(retention);
  const std::string run_id = MakeOlder(Closed("old", "1"), 60);
  const auto failures = [&] { return orchestrator_->metrics().Expose().find("vora_workflow_export_failures_total") != std::string::npos; };
  ASSERT_TRUE(Eventually(failures));
  EXPECT_EQ(Count("workflow_runs WHERE run_id = '" + run_id + "'"), 1) << "what cannot be written stays";

  std::filesystem::remove(folder / "runs");
  ASSERT_TRUE(Leaves(run_id));
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "runs")) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].filename(), run_id + ".json");
  std::ifstream in(files[0]);
  const auto document = nlohmann::json::parse(in);
  EXPECT_EQ(document["workflow"]["workflowId"], "old");
  EXPECT_EQ(document["workflow"]["status"], "WORKFLOW_STATUS_COMPLETED");
  ASSERT_EQ(document["failedAttempts"].size(), 1u);
  EXPECT_EQ(document["failedAttempts"][0]["failure"]["code"], "x");
  const auto history = HistoryFromJson(document["history"].dump());
  ASSERT_EQ(history.size(), 4u);
  EXPECT_TRUE(history[1].attributes.contains("input"));
  EXPECT_THAT(CheckReplay(TestOrchestrator::DefaultRegistry(), {"old", run_id, "default", "Script"}, history), IsOk());
}

TEST_F(RetentionTest, HistoriesLieInMonthsThatAreMadeAhead) {
  Open();
  // The first, the one after the next, and the one for the rest.
  ASSERT_TRUE(Eventually([&] { return Count("pg_inherits WHERE inhparent = 'workflow_events'::regclass") == 3; }));
  ASSERT_TRUE(Eventually([&] { return Count("pg_inherits WHERE inhparent = 'workflow_attempts'::regclass") == 3; }));
  const std::string run_id = Closed("w", "1");
  EXPECT_EQ(Count("workflow_events_first"), 4);
  const int days = Sql("SELECT extract(day FROM date_trunc('month', now()) + interval '2 months 5 days' - now())::int")[0][0].as<int>();
  const std::string ahead = MakeOlder(run_id, -days);
  EXPECT_EQ(Count("workflow_events_first"), 0);
  EXPECT_EQ(Count("workflow_events_rest"), 0);
  EXPECT_EQ(History(engine(), "w").size(), 4u);
  // What lies beyond all months is kept as well.
  MakeOlder(ahead, -1000);
  EXPECT_EQ(Count("workflow_events_rest"), 4);
  EXPECT_EQ(Count("workflow_attempts_rest"), 1);
  EXPECT_EQ(History(engine(), "w").size(), 4u);
}

TEST_F(RetentionTest, TheTablesOfBeforeBecomeTheFirstMonth) {
  const std::vector<pg::Migration>& all = Migrations();
  const auto first = std::find_if(all.begin(), all.end(), [](const auto& migration) { return migration.name == "upkeep"; });
  ASSERT_THAT(pg::Migrate(db_, "workflow", {all.begin(), first}), IsOk());
  const std::string run_id = NewId();
  Sql("INSERT INTO workflow_runs (run_id, workflow_id, tenant, type, request_id, traceparent, start_time_us, close_time_us, status, "
      "history_length) "
      "VALUES ('" +
      run_id + "', 'before', 'default', 'Script', '', '', vora_now_us(), vora_now_us(), 'TERMINATED', 1)");
  Sql("INSERT INTO workflow_events VALUES ('" + run_id + "', 1, 'WORKFLOW_EXECUTION_TERMINATED', 1, '{}')");
  const std::string attempt =
      "INSERT INTO workflow_attempts (run_id, scheduled_event_id, activity_type, activity_id, attempt, lease, worker_id, "
      "started_time_us, ended_time_us, outcome, failure) VALUES ('" +
      run_id + "', 2, 'a', 'a', 1, 1, 'w', 1, 2, 'LOST', '{}')";
  Sql(attempt);
  Open();
  EXPECT_EQ(Count("workflow_events_first"), 1);
  EXPECT_EQ(History(engine(), "before").size(), 1u);
  // As replicas of before go on writing.
  Sql(attempt);
  EXPECT_EQ(Sql("SELECT string_agg(seq::text, ' ' ORDER BY seq) FROM workflow_attempts")[0][0].as<std::string>(), "1 3");
  Closed("after", "1");
  EXPECT_EQ(Count("workflow_events_first"), 5);
}

TEST_F(RetentionTest, AMonthThatIsOverGoesWhenAllOfItsRunsHaveLeft) {
  Open();
  ASSERT_TRUE(Eventually([&] { return Count("pg_inherits WHERE inhparent = 'workflow_events'::regclass") == 3; }));
  const std::string run_id = StartScript(engine(), "old", kOne);
  v1::TerminateWorkflowRequest terminate;
  terminate.set_workflow_id("old");
  ASSERT_THAT(engine().Terminate(terminate), IsOk());
  // The first month ended in 2022: what is later, and of no month to come, lies with the rest. The run began before that, and ended now.
  std::string age;
  for (const std::string table : {"workflow_events", "workflow_attempts"}) {
    age += "ALTER TABLE " + table + " DETACH PARTITION " + table + "_first; UPDATE " + table +
           "_first SET run_id = '00' || substr(run_id, 3); " + "ALTER TABLE " + table + " ATTACH PARTITION " + table +
           "_first FOR VALUES FROM (MINVALUE) TO ('018000000000');";
  }
  const std::string old = "00" + run_id.substr(2);
  Sql(age + "UPDATE workflow_runs SET run_id = '" + old + "'");
  ASSERT_EQ(Count("workflow_events_first"), 3);
  WholeWalk();
  EXPECT_EQ(Count("workflow_events_first WHERE run_id = '" + old + "'"), 3);
  Sql("UPDATE workflow_runs SET close_time_us = close_time_us - 86400000000 * 31 WHERE run_id = '" + old + "'");
  for (const char* table : {"workflow_events_first", "workflow_attempts_first"}) {
    const std::string gone = std::string("SELECT to_regclass('") + table + "') IS NULL";
    EXPECT_TRUE(Eventually([&] { return Sql(gone)[0][0].as<bool>(); })) << table;
  }
  Closed("goes on", "1");
}

}  // namespace
}  // namespace vora::workflow
