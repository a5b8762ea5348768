// KEDA's side of the contract against the real service, engine and PostgreSQL.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <memory>

#include "externalscaler/externalscaler.grpc.pb.h"
#include "libs/pg/testing/test_postgres.h"
#include "libs/rpc/client.h"
#include "libs/rpc/server.h"
#include "libs/testing/child_process.h"
#include "libs/testing/status_matchers.h"
#include "libs/workflow/testing/test_orchestrator.h"
#include "services/orchestrator/scaler_service.h"

namespace vora::orchestrator {
namespace {

namespace keda = externalscaler;
using namespace workflow::testing;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr char kMetric[] = "vora-encode-seconds-test";

keda::ScaledObjectRef Object(const std::string& target = "10", const std::string& queue = "test") {
  keda::ScaledObjectRef object;
  object.set_name("vora-transcode-worker");
  object.set_namespace_("vora");
  (*object.mutable_scalermetadata())["queue"] = queue;
  (*object.mutable_scalermetadata())["targetEncodeSeconds"] = target;
  (*object.mutable_scalermetadata())["scalerAddress"] = "vora-orchestrator:9085";
  return object;
}

class ScalerTest : public ::testing::Test {
 protected:
  ScalerTest() {
    readiness_.SetStarted();
    auto server = rpc::Server::Start({}, {scaler_.service()}, readiness_, metrics_);
    EXPECT_THAT(server, IsOk());
    server_ = std::move(server).value();
    stub_ = keda::ExternalScaler::NewStub(rpc::Connect("127.0.0.1:" + std::to_string(server_->port())));
  }
  ~ScalerTest() override {
    scaler_.Stop();
    server_->Shutdown(milliseconds{2000});
  }

  template <class Request, class Response>
  grpc::Status Call(grpc::Status (keda::ExternalScaler::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response& response) {
    grpc::ClientContext context;
    rpc::Prepare(context, milliseconds{10'000});
    response.Clear();
    return ((*stub_).*method)(&context, request, &response);
  }
  bool IsActive() {
    keda::IsActiveResponse response;
    const auto status = Call(&keda::ExternalScaler::Stub::IsActive, Object(), response);
    EXPECT_THAT(status, IsOk());
    return response.result();
  }
  double Metric() {
    keda::GetMetricsRequest request;
    *request.mutable_scaledobjectref() = Object();
    request.set_metricname(kMetric);
    keda::GetMetricsResponse response;
    const auto status = Call(&keda::ExternalScaler::Stub::GetMetrics, request, response);
    EXPECT_THAT(status, IsOk());
    EXPECT_EQ(response.metricvalues_size(), 1);
    if (response.metricvalues_size() != 1) return -1;
    EXPECT_EQ(response.metricvalues(0).metricname(), kMetric);
    EXPECT_EQ(static_cast<double>(response.metricvalues(0).metricvalue()), std::ceil(response.metricvalues(0).metricvaluefloat()));
    return response.metricvalues(0).metricvaluefloat();
  }
  void Start(const std::string& id, const std::string& cost) {
    StartScript(engine(), id, R"({"activity": "a", "options": {"estimatedCost": )" + cost + "}}");
  }
  workflow::Engine& engine() { return orchestrator_.engine(); }

  // Like the fleet's as long as it is open.
  rpc::Authorizer Gate() {
    return rpc::Authorizer([this](const Credentials&, std::initializer_list<vora::Scope> any_of) -> StatusOr<Caller> {
      EXPECT_THAT(any_of, ::testing::UnorderedElementsAre(vora::Scope::kFleet, vora::Scope::kOperate));
      if (!open_) return Unauthenticated("show a token");
      return Caller();
    });
  }

  TestOrchestrator orchestrator_{pg::TestPostgres::Shared().NewDatabase()};
  Scaler scaler_{[this] { return engine().DescribeQueues(); }, Gate(), milliseconds{20}};
  std::atomic<bool> open_ = true;
  obs::Metrics metrics_;
  Readiness readiness_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<keda::ExternalScaler::Stub> stub_;
};

// Queues are counted now and then.
TEST_F(ScalerTest, TheMetricIsTheWorkWaitingAndRunning) {
  const auto becomes = [&](double metric) { return Eventually([&] { return Metric() == metric; }); };
  EXPECT_FALSE(IsActive());
  EXPECT_EQ(Metric(), 0);
  Start("w", "12.5");
  Start("v", "7.75");
  EXPECT_TRUE(becomes(20.25));
  EXPECT_TRUE(IsActive());
  const auto task = ClaimOne(engine());
  ASSERT_TRUE(Eventually([&] { return engine().DescribeQueues().value().queues(0).running() == 1; }));
  EXPECT_EQ(Metric(), 20.25) << "what is running is still to be done";
  workflow::v1::HeartbeatActivityRequest heartbeat;
  heartbeat.set_task_token(task.task_token());
  heartbeat.set_progress(1);
  ASSERT_THAT(engine().Heartbeat(heartbeat), IsOk());
  EXPECT_TRUE(becomes(task.workflow_id() == "w" ? 7.75 : 12.5)) << "less what is done of it";
  ASSERT_THAT(Complete(engine(), task), IsOk());
  ASSERT_THAT(Complete(engine(), ClaimOne(engine())), IsOk());
  EXPECT_TRUE(becomes(0));
  EXPECT_TRUE(Eventually([&] { return !IsActive(); }));
}

TEST_F(ScalerTest, WorkThatCostsNothingIsWorkToo) {
  Start("w", "0");
  EXPECT_TRUE(Eventually([&] { return IsActive(); }));
  EXPECT_EQ(Metric(), 0);
}

TEST_F(ScalerTest, TheTargetIsTheTriggers) {
  keda::GetMetricSpecResponse response;
  ASSERT_THAT(Call(&keda::ExternalScaler::Stub::GetMetricSpec, Object("62.5"), response), IsOk());
  ASSERT_EQ(response.metricspecs_size(), 1);
  EXPECT_EQ(response.metricspecs(0).metricname(), kMetric);
  EXPECT_EQ(response.metricspecs(0).targetsizefloat(), 62.5);
  EXPECT_EQ(response.metricspecs(0).targetsize(), 63);
}

TEST_F(ScalerTest, BadTriggersAreRefusedByEveryCallWithTheField) {
  const auto bad = Object("soon");
  const auto expect = [](const grpc::Status& status, const std::string& why) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr(why));
  };
  keda::IsActiveResponse active;
  expect(Call(&keda::ExternalScaler::Stub::IsActive, bad, active), "targetEncodeSeconds: must be a number");
  expect(Call(&keda::ExternalScaler::Stub::IsActive, Object("10", ""), active), "queue: missing");
  keda::GetMetricSpecResponse spec;
  expect(Call(&keda::ExternalScaler::Stub::GetMetricSpec, bad, spec), "targetEncodeSeconds: must be a number");
  keda::GetMetricsRequest request;
  keda::GetMetricsResponse metrics;
  *request.mutable_scaledobjectref() = bad;
  expect(Call(&keda::ExternalScaler::Stub::GetMetrics, request, metrics), "targetEncodeSeconds: must be a number");
  *request.mutable_scaledobjectref() = Object();
  request.set_metricname("cpu");
  expect(Call(&keda::ExternalScaler::Stub::GetMetrics, request, metrics), "metricName: queue test has only vora-encode-seconds-test");
  grpc::ClientContext context;
  rpc::Prepare(context, milliseconds{10'000});
  auto stream = stub_->StreamIsActive(&context, bad);
  EXPECT_FALSE(stream->Read(&active));
  expect(stream->Finish(), "targetEncodeSeconds: must be a number");
}

TEST_F(ScalerTest, WhoIsNotOfTheFleetLearnsNothing) {
  open_ = false;
  keda::IsActiveResponse active;
  EXPECT_EQ(Call(&keda::ExternalScaler::Stub::IsActive, Object(), active).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  keda::GetMetricSpecResponse spec;
  EXPECT_EQ(Call(&keda::ExternalScaler::Stub::GetMetricSpec, Object(), spec).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  keda::GetMetricsRequest request;
  *request.mutable_scaledobjectref() = Object();
  request.set_metricname(kMetric);
  keda::GetMetricsResponse metrics;
  EXPECT_EQ(Call(&keda::ExternalScaler::Stub::GetMetrics, request, metrics).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  grpc::ClientContext context;
  rpc::Prepare(context, milliseconds{10'000});
  auto stream = stub_->StreamIsActive(&context, Object());
  EXPECT_FALSE(stream->Read(&active));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(ScalerTest, AStreamTellsEveryChangeAndEndsWhenTheScalerStops) {
  grpc::ClientContext context;
  rpc::Prepare(context, milliseconds{60'000});
  auto stream = stub_->StreamIsActive(&context, Object());
  keda::IsActiveResponse active;
  ASSERT_TRUE(stream->Read(&active));
  EXPECT_FALSE(active.result()) << "at once, however things are";
  Start("w", "1");
  ASSERT_TRUE(stream->Read(&active));
  EXPECT_TRUE(active.result());
  ASSERT_THAT(Complete(engine(), ClaimOne(engine())), IsOk());
  ASSERT_TRUE(stream->Read(&active));
  EXPECT_FALSE(active.result());
  scaler_.Stop();
  EXPECT_FALSE(stream->Read(&active));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ScalerTest, AClientThatLeavesIsForgottenAndOthersGoOn) {
  keda::IsActiveResponse active;
  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext context;
    rpc::Prepare(context, milliseconds{60'000});
    auto stream = stub_->StreamIsActive(&context, Object());
    if (i % 2 == 0) {
      ASSERT_TRUE(stream->Read(&active));
    }
    context.TryCancel();
    while (stream->Read(&active)) continue;
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  Start("w", "1");
  grpc::ClientContext context;
  rpc::Prepare(context, milliseconds{60'000});
  auto stream = stub_->StreamIsActive(&context, Object());
  ASSERT_TRUE(stream->Read(&active));
  // It may not have been counted yet.
  if (!active.result()) {
    ASSERT_TRUE(stream->Read(&active));
  }
  EXPECT_TRUE(active.result());
}

TEST(ScalerDaemonTest, TheDaemonServesKeda) {
  ChildProcess daemon(ORCHESTRATOR, std::vector<std::string>{},
                      std::map<std::string, std::string>{{"VORA_DATABASE_URL", pg::TestPostgres::Shared().NewDatabase()},
                                                         {"VORA_AUTH", "none"},
                                                         {"VORA_GRPC_LISTEN", "127.0.0.1:0"},
                                                         {"VORA_ADMIN_LISTEN", "127.0.0.1:0"}});
  const auto line = daemon.WaitForLog("listening");
  ASSERT_TRUE(line.has_value()) << daemon.err();
  const auto stub = keda::ExternalScaler::NewStub(rpc::Connect(line->at("grpc").get<std::string>()));
  grpc::ClientContext context, stream_context;
  rpc::Prepare(stream_context, milliseconds{60'000});
  auto stream = stub->StreamIsActive(&stream_context, Object());
  keda::IsActiveResponse active;
  ASSERT_TRUE(stream->Read(&active));
  EXPECT_FALSE(active.result());
  rpc::Prepare(context, milliseconds{10'000});
  const auto asked = stub->IsActive(&context, Object(), &active);
  EXPECT_THAT(asked, IsOk());
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0) << daemon.err() << "an open stream does not hold the daemon up";
  EXPECT_FALSE(stream->Read(&active));
}

}  // namespace
}  // namespace vora::orchestrator
