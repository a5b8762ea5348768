#include <gmock/gmock.h>
#include <grpc/health/v1/health.grpc.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "libs/rpc/client.h"
#include "libs/rpc/server.h"
#include "libs/testing/status_matchers.h"

namespace vora::rpc {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using std::chrono::seconds;
using ::testing::HasSubstr;

class HealthTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = Server::Start({}, {}, readiness_, metrics_);
    ASSERT_THAT(started, IsOk());
    server_ = std::move(started).value();
    channel_ = Connect("127.0.0.1:" + std::to_string(server_->port()));
    stub_ = Health::NewStub(channel_);
  }

  std::string Check(const std::string& service) {
    grpc::ClientContext context;
    Prepare(context, seconds(10));
    HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    const auto status = stub_->Check(&context, request, &response);
    return status.ok() ? HealthCheckResponse::ServingStatus_Name(response.status()) : status.error_message();
  }

  Readiness readiness_;
  obs::Metrics metrics_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Health::Stub> stub_;
};

TEST_F(HealthTest, CheckFollowsReadinessAtOnce) {
  std::atomic<bool> database_up = true;
  readiness_.AddCheck("postgres", [&] { return database_up ? absl::OkStatus() : Unavailable("down"); });
  EXPECT_EQ(Check("live"), "SERVING");
  EXPECT_EQ(Check("ready"), "NOT_SERVING");
  readiness_.SetStarted();
  EXPECT_EQ(Check("ready"), "SERVING");
  EXPECT_EQ(Check(""), "SERVING");
  database_up = false;
  EXPECT_EQ(Check("ready"), "NOT_SERVING");
  EXPECT_EQ(Check("live"), "SERVING");
  database_up = true;
  EXPECT_EQ(Check("ready"), "SERVING");
  readiness_.SetDraining();
  EXPECT_EQ(Check(""), "NOT_SERVING");
  EXPECT_EQ(Check("live"), "SERVING");
}

TEST_F(HealthTest, UnknownServiceIsNotFound) { EXPECT_THAT(Check("nonsense"), HasSubstr("no service 'nonsense'")); }

TEST_F(HealthTest, WatchShowsEachChangeAndEndsWithTheServer) {
  grpc::ClientContext context;
  Prepare(context, seconds(30));
  HealthCheckRequest request;
  request.set_service("ready");
  const auto stream = stub_->Watch(&context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  readiness_.SetStarted();
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);

  const auto begin = std::chrono::steady_clock::now();
  std::thread stopper([&] { server_->Shutdown(seconds(20)); });
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  stopper.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(10)) << "a watcher must not hold up the shutdown";
}

TEST_F(HealthTest, WatchOfAnUnknownServiceSaysSo) {
  grpc::ClientContext context;
  Prepare(context, seconds(30));
  HealthCheckRequest request;
  request.set_service("nonsense");
  const auto stream = stub_->Watch(&context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVICE_UNKNOWN);
  context.TryCancel();
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(HealthTest, WatchersThatLeaveDoNoHarm) {
  for (int i = 0; i < 50; ++i) {
    grpc::ClientContext context;
    Prepare(context, seconds(30));
    const auto stream = stub_->Watch(&context, {});
    HealthCheckResponse response;
    ASSERT_TRUE(stream->Read(&response));
    context.TryCancel();
    stream->Finish();
  }
  EXPECT_EQ(Check("live"), "SERVING");
}

// Sends one ServerReflectionRequest as bytes (there is no header for the generated client) and gives the response's bytes.
std::string AskReflection(const std::shared_ptr<grpc::Channel>& channel, const std::string& request) {
  grpc::ClientContext context;
  Prepare(context, seconds(10));
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto call = stub.PrepareCall(&context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  call->StartCall(nullptr);
  EXPECT_TRUE(wait());
  const grpc::Slice slice(request);
  call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
  EXPECT_TRUE(wait());
  grpc::ByteBuffer buffer;
  call->Read(&buffer, nullptr);
  EXPECT_TRUE(wait());
  grpc::Slice answer;
  EXPECT_THAT(buffer.DumpToSingleSlice(&answer), IsOk());
  call->WritesDone(nullptr);
  wait();
  grpc::Status status;
  call->Finish(&status, nullptr);
  wait();
  EXPECT_THAT(status, IsOk());
  queue.Shutdown();
  return {reinterpret_cast<const char*>(answer.begin()), answer.size()};
}

TEST_F(HealthTest, ReflectionListsAndDescribesTheServices) {
  const std::string list = AskReflection(channel_, std::string("\x3a\x01*", 3));  // list_services = "*"
  EXPECT_THAT(list, HasSubstr("grpc.health.v1.Health"));
  const std::string symbol = "grpc.health.v1.Health";
  std::string by_symbol = "\x22";  // file_containing_symbol
  by_symbol.push_back(static_cast<char>(symbol.size()));
  by_symbol.append(symbol);
  const std::string file = AskReflection(channel_, by_symbol);
  EXPECT_THAT(file, HasSubstr("grpc/health/v1/health.proto"));
}

}  // namespace
}  // namespace vora::rpc
