#include "libs/rpc/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "libs/core/error.h"
#include "libs/log/log.h"
#include "libs/obs/trace.h"
#include "libs/rpc/client.h"
#include "libs/rpc/server_context.h"
#include "libs/rpc/status.h"
#include "libs/rpc/testing/echo_service.h"
#include "libs/testing/status_matchers.h"

namespace vora::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::EchoService;
using ::testing::HasSubstr;

class RunningServer {
 public:
  explicit RunningServer(
      EchoService::Handler handler = [](auto&, const std::string&) { return grpc::Status::OK; }, const std::string& listen = "127.0.0.1:0")
      : echo(std::move(handler)) {
    ServerOptions options;
    options.listen = listen;
    auto started = Server::Start(options, {&echo}, readiness, metrics);
    EXPECT_THAT(started, IsOk());
    server = std::move(started).value();
    address = "127.0.0.1:" + std::to_string(server->port());
    channel = Connect(address);
  }

  Status Say(const std::string& what, milliseconds timeout = seconds(10)) {
    grpc::ClientContext context;
    Prepare(context, timeout);
    return FromGrpc(EchoService::Say(*channel, context, what));
  }

  Readiness readiness;
  obs::Metrics metrics;
  EchoService echo;
  std::unique_ptr<Server> server;
  std::string address;
  std::shared_ptr<grpc::Channel> channel;
};

TEST(RpcServerTest, StatusCodesAndMessagesTravel) {
  RunningServer running([](auto&, const std::string& said) { return ToGrpc(said == "fine" ? absl::OkStatus() : NotFound("no " + said)); });
  EXPECT_THAT(running.Say("fine"), IsOk());
  EXPECT_EQ(running.Say("video 7"), NotFound("no video 7"));
  for (int code = 0; code <= 16; ++code) {
    const Status status = MakeStatus(static_cast<StatusCode>(code), code == 0 ? "" : "x");
    EXPECT_EQ(FromGrpc(ToGrpc(status)), status) << code;
  }
}

TEST(RpcServerTest, ReasonFieldLimitAndWhenToTryAgainTravel) {
  const Status refused = WithDetail(InvalidField("title", "at most 200 characters", "200 characters"),
                                    {.reason = "too_long", .field = "title", .limit = "200 characters", .offset = 7, .retry_after = 3});
  RunningServer running([&](auto&, const std::string&) { return ToGrpc(refused); });
  EXPECT_EQ(running.Say("anything"), refused);
}

TEST(RpcServerTest, HandlersRunUnderTheTraceOfTheCaller) {
  std::string trace_id, span_id, of_context;
  RunningServer running([&](grpc::ServerContext& context, const std::string&) {
    trace_id = log::ThreadTrace().trace_id;
    span_id = obs::CurrentTrace().span_id;
    of_context = TraceOf(context).trace_id;
    return grpc::Status::OK;
  });
  const auto root = obs::TraceContext::NewRoot();
  {
    const obs::TraceScope scope(root);
    ASSERT_THAT(running.Say("x"), IsOk());
  }
  EXPECT_EQ(trace_id, root.trace_id);
  EXPECT_EQ(of_context, root.trace_id);
  EXPECT_NE(span_id, root.span_id);

  grpc::ClientContext without;
  ASSERT_THAT(EchoService::Say(*running.channel, without, "x"), IsOk());
  EXPECT_EQ(trace_id.size(), 32U);
  EXPECT_NE(trace_id, root.trace_id);
}

TEST(RpcServerTest, CountsCallsByMethodAndCode) {
  RunningServer running([](auto&, const std::string& said) { return ToGrpc(said == "fine" ? absl::OkStatus() : InvalidArgument("x")); });
  for (int i = 0; i < 3; ++i) EXPECT_THAT(running.Say("fine"), IsOk());
  EXPECT_THAT(running.Say("bad"), StatusIs(StatusCode::kInvalidArgument));
  running.server->Shutdown(seconds(5));
  const std::string text = running.metrics.Expose();
  EXPECT_THAT(text, HasSubstr("vora_rpc_server_requests_total{code=\"OK\",method=\"vora.test.Echo/Say\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("vora_rpc_server_requests_total{code=\"INVALID_ARGUMENT\",method=\"vora.test.Echo/Say\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("vora_rpc_server_duration_seconds_count{method=\"vora.test.Echo/Say\"} 4\n"));
}

TEST(RpcServerTest, DeadlineReachesTheCaller) {
  std::latch release(1);
  RunningServer running([&](auto&, const std::string&) {
    release.wait();
    return grpc::Status::OK;
  });
  EXPECT_THAT(running.Say("x", milliseconds(50)), StatusIs(StatusCode::kDeadlineExceeded));
  release.count_down();
}

TEST(RpcServerTest, APortInUseIsNamed) {
  RunningServer running;
  ServerOptions options;
  options.listen = running.address;
  Readiness readiness;
  obs::Metrics metrics;
  const auto second = Server::Start(options, {}, readiness, metrics);
  ASSERT_THAT(second, StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(Message(second.status()), HasSubstr("cannot listen for gRPC on " + running.address));
  EXPECT_THAT(Message(second.status()), HasSubstr("VORA_GRPC_LISTEN"));
  EXPECT_THAT(running.Say("still there"), IsOk());
}

TEST(RpcServerTest, ShutdownLetsCallsInFlightFinish) {
  std::latch inside(1);
  std::latch release(1);
  RunningServer running([&](auto&, const std::string&) {
    inside.count_down();
    release.wait();
    return grpc::Status::OK;
  });
  Status answer = Internal("not yet");
  std::thread caller([&] { answer = running.Say("x"); });
  inside.wait();
  std::thread stopper([&] { running.server->Shutdown(seconds(30)); });
  release.count_down();
  stopper.join();
  caller.join();
  EXPECT_THAT(answer, IsOk());
  EXPECT_THAT(running.Say("x"), StatusIs(StatusCode::kUnavailable));
}

TEST(RpcServerTest, IdleConnectionsDoNotHoldUpTheShutdown) {
  RunningServer running;
  ASSERT_THAT(running.Say("x"), IsOk());
  const auto begin = std::chrono::steady_clock::now();
  running.server->Shutdown(seconds(30));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(2));
}

TEST(RpcServerTest, ShutdownCancelsWhatOutlivesTheBudget) {
  std::latch inside(1);
  RunningServer running([&](grpc::ServerContext& context, const std::string&) {
    inside.count_down();
    while (!context.IsCancelled()) std::this_thread::yield();
    return grpc::Status::CANCELLED;
  });
  Status answer;
  std::thread caller([&] { answer = running.Say("x"); });
  inside.wait();
  running.server->Shutdown(milliseconds(20));
  caller.join();
  EXPECT_THAT(answer, ::testing::Not(IsOk()));
}

TEST(RpcClientTest, FindsARestartedServerByItself) {
  auto first = std::make_unique<RunningServer>();
  const std::string address = first->address;
  const auto channel = Connect(address);
  const auto say = [&] {
    grpc::ClientContext context;
    Prepare(context, seconds(20));
    context.set_wait_for_ready(true);
    return FromGrpc(EchoService::Say(*channel, context, "x"));
  };
  ASSERT_THAT(say(), IsOk());
  first.reset();
  RunningServer second([](auto&, const std::string&) { return grpc::Status::OK; }, address);
  const auto started = std::chrono::steady_clock::now();
  EXPECT_EQ(ToText(say()), "OK");
  EXPECT_LT(std::chrono::steady_clock::now() - started, seconds(10));
}

}  // namespace
}  // namespace vora::rpc
