#include "libs/workflow/service/report_streams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "libs/pg/testing/test_postgres.h"
#include "libs/rpc/client.h"
#include "libs/workflow/testing/test_orchestrator.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::workflow {
namespace {

using namespace testing;
using ::testing::HasSubstr;

rpc::Authorizer ForNobody() {
  return rpc::Authorizer(
      [](const Credentials&, std::initializer_list<vora::Scope>) -> StatusOr<Caller> { return PermissionDenied("scope"); });
}

class ReportStreamsTest : public ::testing::Test {
 protected:
  using Stream = grpc::ClientReaderWriter<v1::ReportActivitiesRequest, v1::ReportActivitiesResponse>;
  std::unique_ptr<Stream> Open(grpc::ClientContext& context, const TestOrchestrator& orchestrator) {
    rpc::Prepare(context, std::chrono::seconds(60));
    stub_ = v1::ActivityService::NewStub(rpc::Connect(orchestrator.address()));
    return stub_->ReportActivities(&context);
  }
  static void Add(v1::ReportActivitiesRequest& reports, int64_t number, const std::string& token, const std::string& result = "{}") {
    auto* report = reports.add_reports();
    report->set_number(number);
    report->mutable_completed()->set_task_token(token);
    report->mutable_completed()->set_result(result);
  }
  // By number, until there are as many.
  static std::map<int64_t, v1::ActivityAnswer> Read(Stream& stream, size_t count) {
    std::map<int64_t, v1::ActivityAnswer> answers;
    v1::ReportActivitiesResponse message;
    while (answers.size() < count && stream.Read(&message)) {
      for (auto& answer : message.answers()) answers[answer.number()] = answer;
    }
    return answers;
  }
  std::unique_ptr<v1::ActivityService::Stub> stub_;
};

TEST_F(ReportStreamsTest, EachReportIsAnsweredByItsNumber) {
  TestOrchestrator orchestrator(pg::TestPostgres::Shared().NewDatabase());
  Engine& engine = orchestrator.engine();
  for (const char* id : {"a", "b", "c"}) StartScript(engine, id, R"({"activity": "one"})");
  const auto tasks = ClaimNow(engine, 3);
  ASSERT_EQ(tasks.size(), 3u);
  grpc::ClientContext context;
  const auto stream = Open(context, orchestrator);
  v1::ReportActivitiesResponse hello;
  ASSERT_TRUE(stream->Read(&hello));
  EXPECT_EQ(hello.answers_size(), 0);
  v1::ReportActivitiesRequest reports;
  Add(reports, 7, tasks[0].task_token());
  Add(reports, 8, "nonsense");
  Add(reports, 9, tasks[1].task_token(), std::string((1 << 20) + 1, 'x'));
  Add(reports, 10, tasks[2].task_token());
  ASSERT_TRUE(stream->Write(reports));
  auto answers = Read(*stream, 4);
  ASSERT_EQ(answers.size(), 4u);
  EXPECT_EQ(answers[7].code(), grpc::StatusCode::OK);
  EXPECT_EQ(answers[8].code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(answers[8].message(), HasSubstr("task_token"));
  EXPECT_EQ(answers[9].code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(answers[9].message(), HasSubstr("result"));
  EXPECT_EQ(answers[10].code(), grpc::StatusCode::OK);
  reports.Clear();
  answers.clear();
  v1::TerminateWorkflowRequest terminate;
  terminate.set_workflow_id("b");
  ASSERT_TRUE(engine.Terminate(terminate).ok());
  Add(reports, 11, tasks[0].task_token());
  Add(reports, 12, tasks[1].task_token());
  ASSERT_TRUE(stream->Write(reports));
  stream->WritesDone();
  answers = Read(*stream, 3);
  ASSERT_EQ(answers.size(), 2u) << "all that was reported before the worker had said all";
  EXPECT_EQ(answers[11].code(), grpc::StatusCode::OK) << "a repeated report is no error";
  EXPECT_EQ(answers[12].code(), grpc::StatusCode::ABORTED) << "the run is over";
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ReportStreamsTest, AReplicaThatGoesDownEndsThemAtOnce) {
  auto orchestrator = std::make_unique<TestOrchestrator>(pg::TestPostgres::Shared().NewDatabase());
  grpc::ClientContext context;
  const auto stream = Open(context, *orchestrator);
  v1::ReportActivitiesResponse message;
  ASSERT_TRUE(stream->Read(&message));
  auto gone = std::async(std::launch::async, [&] { orchestrator.reset(); });
  EXPECT_FALSE(stream->Read(&message));
  const auto status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("going down"));
  gone.get();
}

TEST_F(ReportStreamsTest, WhoIsNoWorkerIsTurnedAway) {
  TestOrchestrator orchestrator(pg::TestPostgres::Shared().NewDatabase(), TestOrchestrator::DefaultRegistry(),
                                TestOrchestrator::QuickPasses(), ForNobody());
  grpc::ClientContext context;
  const auto stream = Open(context, orchestrator);
  v1::ReportActivitiesResponse message;
  EXPECT_FALSE(stream->Read(&message));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

}  // namespace
}  // namespace vora::workflow
