#include <atomic>
#include <future>
#include <latch>
#include <thread>

#include "libs/http/testing/test_fixture.h"
#include "libs/testing/status_matchers.h"

namespace vora::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(ServerTest, RoutesWithParametersAndQuery) {
  Start();
  const auto response = Do({.url = "/hello/a%20b?q=%C3%A4"});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"name":"a b","q":"ä"})");
  EXPECT_EQ(response.headers.Get("content-type"), "application/json");
  EXPECT_TRUE(response.headers.Has("Date"));
}

TEST_F(ServerTest, PrivatePartsOfAPathStayOutOfTheLog) {
  more_routes_ = [](Server& server) {
    server.RouteSimple("DELETE", "/people/{who}", [](const Request&, const std::string&) { return ErrorResponse(Unavailable("away")); });
  };
  Start({.private_params = {"who"}});
  testing::internal::CaptureStderr();
  EXPECT_EQ(Do({.method = "DELETE", .url = "/people/bob"}).status, 503);
  server_.reset();
  EXPECT_THAT(testing::internal::GetCapturedStderr(), AllOf(HasSubstr("/people/{who}"), Not(HasSubstr("bob"))));
}

TEST_F(ServerTest, UnknownPathsAndMethodsAreNamed) {
  Start();
  const auto unknown = Do({.url = "/nowhere"});
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(nlohmann::json::parse(unknown.body)["error"]["code"], "NOT_FOUND");
  const auto method = Do({.method = "DELETE", .url = "/hello/x"});
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.headers.Get("Allow"), "GET, HEAD");
  const auto options = Do({.method = "OPTIONS", .url = "/hello/x"});
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.headers.Get("Allow"), "GET, HEAD, OPTIONS");
}

TEST_F(ServerTest, HeadKeepsTheLengthAndLeavesTheBody) {
  Start();
  RawSocket socket(server_->port());
  socket.Say("HEAD /hello/x HTTP/1.1\r\nHost: h\r\n\r\nGET /hello/y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string both = socket.HearAll();
  EXPECT_THAT(both, HasSubstr("Content-Length: 19\r\n\r\nHTTP/1.1 200 OK"));
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  Start();
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n" + std::to_string(100 + i);
  }
  RawSocket socket(server_->port());
  socket.Say(requests);
  for (int i = 0; i < 50; ++i) {
    EXPECT_THAT(socket.HearResponse(), ::testing::EndsWith("\r\n\r\n" + std::to_string(100 + i)));
  }
}

TEST_F(ServerTest, SlowHeadsAndSilentBodiesRunIntoTheIdleTimeout) {
  Start({.idle_timeout = std::chrono::milliseconds(300), .header_timeout = std::chrono::milliseconds(300)});
  RawSocket silent(server_->port());
  EXPECT_EQ(silent.HearAll(), "") << "an idle connection is closed without a word";
  // Bytes that drip in must not prolong the wait for the head.
  RawSocket slow(server_->port());
  std::atomic<bool> closed{false};
  std::thread drip([&] {
    slow.Say("GET /hello/x HTTP/1.1\r\n");
    while (!closed) {
      slow.Say("X: 1\r\n");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  EXPECT_THAT(slow.HearAll(), StartsWith("HTTP/1.1 408 "));
  closed = true;
  drip.join();
  RawSocket stalled(server_->port());
  stalled.Say("PUT /hash HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc");
  EXPECT_THAT(stalled.HearAll(), AllOf(StartsWith("HTTP/1.1 408 "), HasSubstr("\"request_timeout\"")));
}

TEST_F(ServerTest, TooManyConnectionsAreToldSo) {
  Start({.max_connections = 2});
  RawSocket a(server_->port());
  RawSocket b(server_->port());
  a.Say("GET /hello/a HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(a.HearResponse(), StartsWith("HTTP/1.1 200 "));
  b.Say("GET /hello/b HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(b.HearResponse(), StartsWith("HTTP/1.1 200 "));
  const std::string refused = Raw("GET /hello/c HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refused, HasSubstr("Retry-After: 1"));
}

TEST_F(ServerTest, AFullPoolIsUnavailable) {
  std::latch busy(1);
  std::latch release(1);
  more_routes_ = [&](Server& server) {
    server.RouteSimple("GET", "/block", [&](const Request&, const std::string&) {
      busy.count_down();
      release.wait();
      return Response::Empty(204);
    });
  };
  Start({.blocking_threads = 1, .blocking_queue = 1});
  RawSocket blocked(server_->port());
  blocked.Say("GET /block HTTP/1.1\r\nHost: h\r\n\r\n");
  busy.wait();
  // One of these finds a place in the queue, the other does not.
  const auto ask = [&] { return Client().Do({.url = Url("/hello/x")})->status; };
  std::atomic<int> refused{0};
  const auto ask_and_count = [&] {
    const int status = ask();
    if (status == 503 && ++refused == 1) release.count_down();
    return status;
  };
  auto first = std::async(std::launch::async, ask_and_count);
  auto second = std::async(std::launch::async, ask_and_count);
  EXPECT_EQ(first.get() + second.get(), 200 + 503);
  EXPECT_THAT(blocked.HearResponse(), StartsWith("HTTP/1.1 204 "));
  EXPECT_EQ(ask(), 200);
}

TEST_F(ServerTest, FaultsOfHandlersAre500AndTellNothing) {
  more_routes_ = [](Server& server) {
    server.Route("GET", "/silent", [](Exchange&) -> Task<void> { co_return; });
    server.Route("GET", "/throws-itself", [](Exchange&) -> Task<void> {
      throw std::runtime_error("secret");
      co_return;
    });
  };
  Start();
  for (const char* path : {"/throws", "/silent", "/throws-itself"}) {
    const auto response = Do({.url = path});
    EXPECT_EQ(response.status, 500) << path;
    EXPECT_THAT(response.body, Not(HasSubstr("secret")));
  }
}

TEST_F(ServerTest, ContinuesTheTraceAndCountsByRoute) {
  Start();
  ClientRequest request{.url = "/trace"};
  request.headers.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  EXPECT_EQ(Do(request).body, "0af7651916cd43dd8448eb211c80319c");
  Do({.url = "/hello/1"});
  Do({.url = "/hello/2"});
  server_->Shutdown(std::chrono::milliseconds(1000));
  const std::string metrics = metrics_.Expose();
  EXPECT_THAT(metrics, HasSubstr("vora_http_requests_total{method=\"GET\",route=\"/hello/{name}\",status=\"200\"} 2"));
  EXPECT_THAT(metrics, HasSubstr("vora_http_request_duration_seconds_count{method=\"GET\",route=\"/hello/{name}\"} 2"));
  EXPECT_THAT(metrics, HasSubstr("vora_http_requests_in_flight 0"));
}

TEST_F(ServerTest, TheHookSeesEveryResponse) {
  more_routes_ = [](Server& server) {
    server.OnResponse([](const Request&, Response& head) { head.headers.Set("X-Content-Type-Options", "nosniff"); });
  };
  Start();
  EXPECT_EQ(Do({.url = "/hello/x"}).headers.Get("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(Do({.url = "/nowhere"}).headers.Get("X-Content-Type-Options"), "nosniff");
  EXPECT_THAT(Raw("nonsense\r\n\r\n"), HasSubstr("nosniff"));
}

TEST_F(ServerTest, ATakenAddressIsNamed) {
  Start();
  const std::string address = "127.0.0.1:" + std::to_string(server_->port());
  obs::Metrics metrics;
  Server second({.listen = address}, metrics);
  EXPECT_EQ(ToText(second.Start()),
            "UNAVAILABLE: cannot listen on " + address + ": address already in use; stop what listens there or set VORA_HTTP_LISTEN");
  Server bad({.listen = "127.0.0.1"}, metrics);
  EXPECT_THAT(bad.Start(), StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace vora::http
