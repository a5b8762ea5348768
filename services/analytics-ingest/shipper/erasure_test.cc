// From POST to erasure, with a real ClickHouse.

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "libs/clickhouse/testing/test_clickhouse.h"
#include "libs/rpc/client.h"
#include "libs/rpc/server.h"
#include "libs/run/lifecycle.h"
#include "libs/testing/status_matchers.h"
#include "services/analytics-ingest/test_ingest.h"
#include "vora/analytics/v1/analytics.grpc.pb.h"

namespace vora::analytics {
namespace {

using clickhouse::TestEngine;
using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::milliseconds;

class ErasureTest : public IngestTest, public ::testing::WithParamInterface<TestEngine> {
 protected:
  v1::EraseViewerResponse Erase(const std::string& viewer) {
    grpc::ClientContext context;
    rpc::Prepare(context, std::chrono::seconds(60));
    v1::EraseViewerRequest request;
    request.set_viewer_id(viewer);
    v1::EraseViewerResponse response;
    const grpc::Status status = stub_->EraseViewer(&context, request, &response);
    EXPECT_THAT(status, IsOk());
    return response;
  }
  std::string Ask(const std::string& sql) {
    auto answer = clickhouse::Client(settings_.clickhouse).Query(sql);
    EXPECT_EQ(ToText(answer.status()), "OK");
    return answer.ok() ? *answer : "";
  }
  std::unique_ptr<v1::AnalyticsIngest::Stub> stub_;
};

TEST_P(ErasureTest, FindsAViewerUnderEverySaltAndInTheSpool) {
  if (const std::string missing = clickhouse::Missing(GetParam()); !missing.empty()) GTEST_SKIP() << missing;
  auto& server = clickhouse::TestClickHouse::Shared(GetParam());
  server.Start();
  settings_.clickhouse = server.NewDatabase();
  settings_.spool.segment_age = hours(1);  // so that the rows are still in the spool when the erasure comes
  clock_.Advance(duration_cast<milliseconds>(Clock::Real().Now() - clock_.Now() - hours(24 * 40)));
  Start();
  Readiness readiness;
  auto grpc = rpc::Server::Start({}, {app_->grpc_service()}, readiness, metrics_);
  ASSERT_EQ(ToText(grpc.status()), "OK");
  stub_ = v1::AnalyticsIngest::NewStub(rpc::Connect("127.0.0.1:" + std::to_string((*grpc)->port())));

  const auto watch = [&](const std::string& viewer, const std::string& session) {
    json event{{"video_id", "v"}, {"session_id", session}, {"viewer_id", viewer}, {"sequence", 0}, {"type", "play"}};
    EXPECT_EQ(Post(event.dump()).status, 202);
  };
  watch("bob", "s1");
  watch("eve", "s2");
  clock_.Advance(hours(24 * 40));  // another salt
  watch("bob", "s3");
  const v1::EraseViewerResponse erased = Erase("bob");
  EXPECT_EQ(erased.events(), 2);
  EXPECT_EQ(erased.sessions(), 2);
  EXPECT_EQ(Ask("SELECT DISTINCT session_id FROM playback_events"), "s2\n");
  EXPECT_EQ(Ask("SELECT DISTINCT session_id FROM playback_sessions"), "s2\n");
  EXPECT_EQ(Erase("bob").events(), 0) << "repeating it is no error";
  (*grpc)->Shutdown(milliseconds(1000));
}

INSTANTIATE_TEST_SUITE_P(Engines, ErasureTest, ::testing::Values(TestEngine::kDebian, TestEngine::kCurrent));

}  // namespace
}  // namespace vora::analytics
