#include <atomic>
#include <future>
#include <thread>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "libs/rpc/client.h"
#include "libs/rpc/server.h"
#include "libs/run/lifecycle.h"
#include "libs/testing/status_matchers.h"
#include "services/analytics-ingest/intake/ingest_service.h"
#include "services/analytics-ingest/test_ingest.h"
#include "vora/analytics/v1/analytics.grpc.pb.h"

namespace vora::analytics {
namespace {

using ::testing::HasSubstr;

class IngestGrpcTest : public IngestTest {
 protected:
  void Serve() {
    Start();
    auto server = rpc::Server::Start({}, {app_->grpc_service()}, readiness_, metrics_);
    ASSERT_EQ(ToText(server.status()), "OK");
    server_ = *std::move(server);
    stub_ = v1::AnalyticsIngest::NewStub(rpc::Connect("127.0.0.1:" + std::to_string(server_->port())));
    rpc::Prepare(context_, std::chrono::seconds(20));
  }
  std::vector<Event> Stop() {
    server_->Shutdown(std::chrono::milliseconds(1000));
    server_.reset();
    return StopAndRead();
  }
  static v1::PlaybackEvent Play(const std::string& session, int64_t sequence) {
    v1::PlaybackEvent event;
    event.set_video_id("v");
    event.set_session_id(session);
    event.set_sequence(sequence);
    event.set_type(v1::EVENT_TYPE_PLAY);
    return event;
  }
  Readiness readiness_;
  grpc::ClientContext context_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<v1::AnalyticsIngest::Stub> stub_;
};

TEST_F(IngestGrpcTest, AStreamIsAnsweredWhenItIsDurable) {
  Serve();
  v1::RecordResponse response;
  const auto stream = stub_->Record(&context_, &response);
  for (int message = 0; message < 20; ++message) {
    v1::RecordRequest request;
    for (int i = 0; i < 10; ++i) *request.add_events() = Play("s" + std::to_string(message), i);
    request.mutable_events(3)->set_type(static_cast<v1::EventType>(77));
    ASSERT_TRUE(stream->Write(request));
  }
  stream->WritesDone();
  const grpc::Status status = stream->Finish();
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(response.accepted(), 180);
  EXPECT_EQ(response.rejected_count(), 20);
  ASSERT_EQ(response.rejected_size(), 20);
  EXPECT_EQ(response.rejected(1).index(), 13) << "counted over the whole stream";
  EXPECT_EQ(response.rejected(1).field(), "type");
  EXPECT_EQ(Metric(R"(vora_events_accepted_total{source="grpc"})"), "180");
  const auto events = Stop();
  ASSERT_EQ(events.size(), 180u);
  EXPECT_EQ(events[0].source, EventSource::kGrpc);
  EXPECT_EQ(events[0].client_net, "");
}

TEST_F(IngestGrpcTest, EveryFieldOfAnEvent) {
  Serve();
  v1::RecordRequest request;
  v1::PlaybackEvent& event = *request.add_events();
  event = Play("s", 4);
  event.set_tenant("acme");
  event.set_type(v1::EVENT_TYPE_STALL);
  event.mutable_player_time()->set_seconds(1'700'000'000);
  event.mutable_player_time()->set_nanos(250'000'000);
  event.set_position_seconds(61.5);
  event.set_duration_seconds(0.25);
  event.set_rendition("720p");
  event.set_bitrate(3'000'000);
  event.set_segment_index(0);
  event.set_error_code("E1");
  event.set_viewer_id("bob");
  event.set_buffer_seconds(2);
  event.set_throughput(8'000'000);
  event.set_bytes(77);
  v1::RecordResponse response;
  const auto stream = stub_->Record(&context_, &response);
  ASSERT_TRUE(stream->Write(request));
  stream->WritesDone();
  ASSERT_THAT(stream->Finish(), IsOk());
  const auto events = Stop();
  ASSERT_EQ(events.size(), 1u);
  const Event& row = events[0];
  EXPECT_EQ(row.tenant, "acme");
  EXPECT_EQ(row.type, EventType::kStall);
  EXPECT_EQ(row.sequence, 4);
  EXPECT_EQ(row.player_ms, 1'700'000'000'250);
  EXPECT_EQ(row.position_ms, 61'500u);
  EXPECT_EQ(row.duration_ms, 250u);
  EXPECT_EQ(row.bitrate, 3'000'000u);
  EXPECT_EQ(row.segment_index, 0);
  EXPECT_EQ(row.viewer.size(), 32u);
  EXPECT_EQ(row.throughput_kbps, 8000u);
  EXPECT_EQ(row.bytes, 77u);
}

TEST_F(IngestGrpcTest, DeliveriesKeepTheirOwnTime) {
  Serve();
  v1::RecordDeliveriesRequest request;
  const auto add = [&](int64_t seconds) -> v1::DeliveryRecord& {
    v1::DeliveryRecord& record = *request.add_records();
    record.set_video_id("v");
    record.set_object("720p/seg_3.m4s");
    record.mutable_time()->set_seconds(seconds);
    return record;
  };
  v1::DeliveryRecord& full = add(1'699'999'990);
  full.set_session_id("s");
  full.set_cache(v1::CACHE_STATE_COALESCED);
  full.set_origin_seconds(0.1);
  full.set_total_seconds(0.5);
  full.set_bytes(1000);
  full.set_status(206);
  full.set_segment_index(3);
  add(1'699'000'000);  // too old to be true
  add(1'800'000'000);  // not yet
  add(1'699'999'995).set_object(std::string(129, 'o'));
  add(1'699'999'995).set_video_id("");
  v1::RecordDeliveriesResponse response;
  const grpc::Status status = stub_->RecordDeliveries(&context_, request, &response);
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(response.accepted(), 3);
  ASSERT_EQ(response.rejected_size(), 2);
  EXPECT_EQ(response.rejected(0).index(), 3);
  EXPECT_EQ(response.rejected(0).field(), "object");
  EXPECT_EQ(response.rejected(1).field(), "video_id");
  const auto events = Stop();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].type, EventType::kDelivery);
  EXPECT_EQ(events[0].source, EventSource::kGateway);
  EXPECT_EQ(events[0].server_ms, 1'699'999'990'000);
  EXPECT_EQ(events[0].cache, "coalesced");
  EXPECT_EQ(events[0].origin_ms, 100u);
  EXPECT_EQ(events[0].duration_ms, 500u);
  EXPECT_EQ(events[0].status, 206);
  EXPECT_EQ(events[0].object, "720p/seg_3.m4s");
  EXPECT_EQ(events[1].server_ms, 1'700'000'000'000 - 3'600'000);
  EXPECT_EQ(events[2].server_ms, 1'700'000'000'000);
}

TEST_F(IngestGrpcTest, MoreThanACallMayHold) {
  Serve();
  v1::RecordDeliveriesRequest request;
  for (int i = 0; i < 1001; ++i) request.add_records();
  v1::RecordDeliveriesResponse response;
  const grpc::Status status = stub_->RecordDeliveries(&context_, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("at most 1000"));
}

TEST_F(IngestGrpcTest, ErasureNeedsClickHouse) {
  Serve();
  v1::EraseViewerRequest request;
  v1::EraseViewerResponse response;
  EXPECT_EQ(stub_->EraseViewer(&context_, request, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_viewer_id("bob");
  grpc::ClientContext again;
  rpc::Prepare(again, std::chrono::seconds(3));
  const auto code = stub_->EraseViewer(&again, request, &response).error_code();
  EXPECT_TRUE(code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::DEADLINE_EXCEEDED) << code;
}

TEST_F(IngestGrpcTest, NothingIsTakenInAfterTheIntakeIsClosed) {
  Serve();
  app_->StopIntake(std::chrono::milliseconds(100));
  v1::RecordDeliveriesRequest request;
  v1::DeliveryRecord& record = *request.add_records();
  record.set_video_id("v");
  v1::RecordDeliveriesResponse response;
  EXPECT_EQ(stub_->RecordDeliveries(&context_, request, &response).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(IngestGrpcTest, ErasuresThatHangDoNotTakeEveryThread) {
  auto spool = Spool::Open(settings_.spool, clock_, metrics_);
  ASSERT_EQ(ToText(spool.status()), "OK");
  const ViewerHasher viewers({.secret = "0123456789abcdef"});
  Intake intake(**spool, viewers, clock_, metrics_);
  std::atomic<int> hanging{0};
  std::promise<void> end;
  const auto ended = end.get_future().share();
  const auto service = MakeIngestService(
      intake,
      [&](const auto&, const auto&, auto) -> StatusOr<Erased> {
        ++hanging;
        ended.wait();
        return Erased{};
      },
      rpc::Authorizer::Open());
  auto server = rpc::Server::Start({}, {service.get()}, readiness_, metrics_);
  ASSERT_EQ(ToText(server.status()), "OK");
  const auto stub = v1::AnalyticsIngest::NewStub(rpc::Connect("127.0.0.1:" + std::to_string((*server)->port())));
  const auto erase = [&]() -> grpc::Status {
    grpc::ClientContext context;
    rpc::Prepare(context, std::chrono::seconds(20));
    v1::EraseViewerRequest request;
    request.set_viewer_id("somebody");
    v1::EraseViewerResponse response;
    return stub->EraseViewer(&context, request, &response);
  };
  std::vector<std::future<grpc::Status>> calls;
  while (hanging < 4) {
    calls.push_back(std::async(std::launch::async, erase));
    while (hanging < static_cast<int>(calls.size())) std::this_thread::yield();
  }
  const grpc::Status refused = erase();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(refused.error_message(), HasSubstr("other erasures"));
  end.set_value();
  for (auto& call : calls) EXPECT_THAT(call.get(), IsOk());
  EXPECT_THAT(erase(), IsOk()) << "the places are free again";
  (*server)->Shutdown(std::chrono::milliseconds(1000));
}

}  // namespace
}  // namespace vora::analytics
