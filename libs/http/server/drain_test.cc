// What happens to connections when the server drains or the client leaves.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <latch>

#include "libs/http/client/client.h"
#include "libs/http/server/server.h"
#include "libs/http/testing/test_socket.h"
#include "libs/testing/status_matchers.h"

namespace vora::http {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Sends an event, then sleeps until told that it is over.
Task<void> Events(Exchange& exchange, std::promise<Status>& ended) {
  Response head = Response::Empty(200);
  head.headers.Set("Content-Type", "text/event-stream");
  co_await exchange.Begin(std::move(head), std::nullopt);
  Status status = co_await exchange.Write("data: 1\n\n");
  while (status.ok()) status = co_await exchange.Sleep(std::chrono::hours(1));
  if (exchange.draining()) {
    co_await exchange.Write("data: bye\n\n");
    co_await exchange.Finish();
  }
  ended.set_value(status);
}

class DrainTest : public ::testing::Test {
 protected:
  obs::Metrics metrics_;
  std::unique_ptr<Server> server_ = std::make_unique<Server>(ServerOptions{}, metrics_);
};

TEST_F(DrainTest, FinishesWhatIsInFlightAndClosesTheIdle) {
  std::latch entered(1);
  std::latch release(1);
  server_->RouteSimple("GET", "/slow", [&](const Request&, const std::string&) {
    entered.count_down();
    release.wait();
    return Response::Text(200, "done");
  });
  ASSERT_THAT(server_->Start(), IsOk());
  RawSocket idle(server_->port());
  RawSocket busy(server_->port());
  busy.Say("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  entered.wait();
  auto shutdown = std::async(std::launch::async, [&] { server_->Shutdown(std::chrono::seconds(10)); });
  EXPECT_EQ(idle.HearAll(), "");
  release.count_down();
  const std::string answer = busy.HearAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_THAT(answer, HasSubstr("done"));
  shutdown.get();
  server_->Shutdown(std::chrono::seconds(10));  // safe to call twice
}

// Also when the I/O threads get no turn in between: a listener left open would take connections that nobody answers.
TEST_F(DrainTest, NobodyListensAfterwards) {
  for (int i = 0; i < 50; ++i) {
    obs::Metrics metrics;
    Server server({.io_threads = 1}, metrics);
    ASSERT_THAT(server.Start(), IsOk());
    const std::string address = "127.0.0.1:" + std::to_string(server.port());
    server.Shutdown(std::chrono::milliseconds(0));
    Server next({.listen = address}, metrics);
    EXPECT_EQ(ToText(next.Start()), "OK");
  }
}

TEST_F(DrainTest, SleepersWakeUp) {
  std::promise<Status> ended;
  server_->Route("GET", "/events", [&](Exchange& exchange) { return Events(exchange, ended); });
  ASSERT_THAT(server_->Start(), IsOk());
  RawSocket socket(server_->port());
  socket.Say("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(socket.HearUntil("data: 1"), HasSubstr("200 OK"));
  server_->Shutdown(std::chrono::seconds(10));
  EXPECT_THAT(ended.get_future().get(), StatusIs(StatusCode::kCancelled));
  EXPECT_THAT(socket.HearAll(), ::testing::EndsWith("data: bye\n\n\r\n0\r\n\r\n"));
}

TEST_F(DrainTest, AClientThatLeavesEndsTheSleep) {
  for (const bool reset : {false, true}) {
    std::promise<Status> ended;
    obs::Metrics metrics;
    Server server({}, metrics);
    server.Route("GET", "/events", [&](Exchange& exchange) { return Events(exchange, ended); });
    ASSERT_THAT(server.Start(), IsOk());
    {
      RawSocket socket(server.port());
      socket.Say("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
      socket.HearUntil("data: 1");
      if (reset) socket.Reset();
    }
    EXPECT_THAT(ended.get_future().get(), StatusIs(StatusCode::kCancelled));
  }
}

TEST_F(DrainTest, WhatOutlivesTheBudgetIsCut) {
  std::latch entered(1);
  server_->Route("PUT", "/upload", [&](Exchange& exchange) -> Task<void> {
    std::string buffer(100, '\0');
    const std::span<char> room(buffer);
    entered.count_down();
    StatusOr<size_t> read = co_await exchange.ReadBody(room);
    EXPECT_THAT(read, StatusIs(StatusCode::kUnavailable));
  });
  ASSERT_THAT(server_->Start(), IsOk());
  RawSocket socket(server_->port());
  socket.Say("PUT /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n");
  entered.wait();
  const auto began = std::chrono::steady_clock::now();
  server_->Shutdown(std::chrono::milliseconds(100));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
  EXPECT_EQ(socket.HearAll(), "");
}

TEST_F(DrainTest, ManyConnectionsAtOnce) {
  server_->RouteSimple("POST", "/echo", [](const Request&, const std::string& body) { return Response::Text(200, body); });
  ASSERT_THAT(server_->Start(), IsOk());
  const std::string url = "http://127.0.0.1:" + std::to_string(server_->port()) + "/echo";
  std::vector<std::future<int>> clients;
  for (int c = 0; c < 16; ++c) {
    clients.push_back(std::async(std::launch::async, [&, c] {
      Client client;
      int right = 0;
      for (int i = 0; i < 50; ++i) {
        const std::string body = std::to_string(c * 1000 + i);
        const auto response = client.Do({.method = "POST", .url = url, .body = body});
        if (response.ok() && response->body == body) ++right;
      }
      return right;
    }));
  }
  for (auto& client : clients) EXPECT_EQ(client.get(), 50);
}

}  // namespace
}  // namespace vora::http
