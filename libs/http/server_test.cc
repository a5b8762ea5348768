#include "libs/http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>

#include <nlohmann/json.hpp>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/http/client.h"
#include "libs/http/test_socket.h"

namespace vora::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Named coroutines: a handler that is a lambda must outlive its coroutine, which the server's copy does.
Task<void> HashBody(Exchange& exchange) {
  auto digest = Digest::Create("sha256");
  std::string buffer(256 << 10, '\0');
  const std::span<char> room(buffer);
  while (true) {
    const StatusOr<size_t> read = co_await exchange.ReadBody(room);
    if (!read.ok()) {
      Response fault = ErrorResponse(read.status());
      co_await exchange.Send(std::move(fault));
      co_return;
    }
    if (*read == 0) break;
    digest->Update({buffer.data(), *read});
  }
  Response answer = Response::Text(200, HexEncode(digest->Finish()));
  co_await exchange.Send(std::move(answer));
}

class ServerTest : public ::testing::Test {
 protected:
  // Routes that need no options of their own.
  void Start(ServerOptions options = {}) {
    server_ = std::make_unique<Server>(options, metrics_);
    server_->RouteSimple("GET", "/hello/{name}", [](const Request& request, const std::string&) {
      return Response::Json(200, nlohmann::json{{"name", request.params.at("name")}, {"q", request.Query("q").value_or("")}}.dump());
    });
    server_->RouteSimple("POST", "/echo", [](const Request&, const std::string& body) { return Response::Text(200, body); });
    server_->RouteSimple("GET", "/trace", [](const Request& request, const std::string&) {
      EXPECT_EQ(obs::CurrentTrace().trace_id, request.trace.trace_id);
      return Response::Text(200, request.trace.trace_id);
    });
    server_->RouteSimple("GET", "/throws", [](const Request&, const std::string&) -> Response { throw std::runtime_error("secret"); });
    server_->Route("PUT", "/hash", HashBody);
    if (more_routes_) more_routes_(*server_);
    ASSERT_EQ(ToText(server_->Start()), "OK");
  }
  std::string Url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(server_->port()) + path; }
  ClientResponse Do(ClientRequest request) {
    request.url = Url(request.url);
    auto response = client_.Do(request);
    EXPECT_EQ(ToText(response.status()), "OK");
    return response.ok() ? *response : ClientResponse{};
  }
  std::string Raw(std::string_view bytes) {
    RawSocket socket(server_->port());
    socket.Say(bytes);
    return socket.HearAll();
  }

  obs::Metrics metrics_;
  std::function<void(Server&)> more_routes_;
  std::unique_ptr<Server> server_;
  Client client_;
};

TEST_F(ServerTest, RoutesWithParametersAndQuery) {
  Start();
  const auto response = Do({.url = "/hello/a%20b?q=%C3%A4"});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"name":"a b","q":"ä"})");
  EXPECT_EQ(response.headers.Get("content-type"), "application/json");
  EXPECT_TRUE(response.headers.Has("Date"));
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

TEST_F(ServerTest, BodiesArriveWholeSizedAndChunked) {
  Start();
  const std::string body = Noise((48 << 20) + 7);
  for (const bool sized : {true, false}) {
    size_t at = 0;
    ClientRequest request{.method = "PUT", .url = "/hash"};
    request.upload = [&](char* buffer, size_t size) -> StatusOr<size_t> {
      const size_t n = std::min(size, body.size() - at);
      std::memcpy(buffer, body.data() + at, n);
      at += n;
      return n;
    };
    if (sized) request.upload_size = static_cast<int64_t>(body.size());
    const auto response = Do(request);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, Sha256Hex(body)) << (sized ? "sized" : "chunked");
  }
}

TEST_F(ServerTest, ChunksOfEverySizeAndATrailer) {
  Start();
  RawSocket socket(server_->port());
  socket.Say("PUT /hash HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string sent;
  for (size_t size = 1; size < 300; size += 7) {
    char head[32];
    std::snprintf(head, sizeof head, "%zx;ext=1\r\n", size);
    const std::string chunk = Noise(size);
    socket.Say(head);
    socket.Say(chunk);
    socket.Say("\r\n");
    sent += chunk;
  }
  socket.Say("0\r\nX-Trailer: 1\r\n\r\nGET /hello/next HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(socket.HearResponse(), HasSubstr(Sha256Hex(sent)));
  EXPECT_THAT(socket.HearResponse(), HasSubstr("next")) << "what follows the body is the next request";
}

TEST_F(ServerTest, StreamsResponsesSizedAndChunked) {
  const std::string body = Noise((32 << 20) + 3);
  more_routes_ = [&](Server& server) {
    server.Route("GET", "/stream/{kind}", [&](Exchange& exchange) -> Task<void> {
      const bool sized = exchange.request().params.at("kind") == "sized";
      Response head = Response::Empty(200);
      const std::optional<int64_t> length = sized ? std::make_optional(static_cast<int64_t>(body.size())) : std::nullopt;
      Status status = co_await exchange.Begin(std::move(head), length);
      for (size_t at = 0; at < body.size() && status.ok(); at += 3 << 20) {
        const std::string_view piece = std::string_view(body).substr(at, 3 << 20);
        status = co_await exchange.Write(piece);
      }
      EXPECT_EQ(ToText(status), "OK");
      status = co_await exchange.Finish();
      EXPECT_EQ(ToText(status), "OK");
    });
  };
  Start();
  const auto sized = Do({.url = "/stream/sized"});
  EXPECT_EQ(Sha256Hex(sized.body), Sha256Hex(body));
  EXPECT_EQ(sized.headers.Get("Content-Length"), std::to_string(body.size()));
  const auto chunked = Do({.url = "/stream/chunked"});
  EXPECT_EQ(Sha256Hex(chunked.body), Sha256Hex(body));
  EXPECT_EQ(chunked.headers.Get("Transfer-Encoding"), "chunked");
  EXPECT_EQ(Do({.method = "HEAD", .url = "/stream/sized"}).headers.Get("Content-Length"), std::to_string(body.size()));
  const std::string old = Raw("GET /stream/chunked HTTP/1.0\r\n\r\n");
  EXPECT_THAT(old.substr(0, old.find("\r\n\r\n")), Not(HasSubstr("chunked")));
  EXPECT_EQ(Sha256Hex(old.substr(old.find("\r\n\r\n") + 4)), Sha256Hex(body)) << "HTTP/1.0: until the connection closes";
}

TEST_F(ServerTest, AResponseThatEndsEarlyIsSeenToBeCut) {
  more_routes_ = [](Server& server) {
    server.Route("GET", "/cut/{kind}", [](Exchange& exchange) -> Task<void> {
      const bool sized = exchange.request().params.at("kind") == "sized";
      Response head = Response::Empty(200);
      const std::optional<int64_t> length = sized ? std::make_optional<int64_t>(100) : std::nullopt;
      co_await exchange.Begin(std::move(head), length);
      co_await exchange.Write("half");
      if (sized) {
        const Status status = co_await exchange.Finish();
        EXPECT_EQ(status.code(), StatusCode::kInternal);
      }
    });
  };
  Start();
  for (const char* path : {"/cut/sized", "/cut/chunked"}) {
    EXPECT_EQ(client_.Do({.url = Url(path)}).status().code(), StatusCode::kUnavailable) << path;
  }
}

TEST_F(ServerTest, HundredContinueOnlyWhenTheBodyIsWanted) {
  Start({.simple_body_limit = 10});
  RawSocket socket(server_->port());
  socket.Say("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(socket.HearUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.Say("body");
  EXPECT_THAT(socket.HearResponse(), ::testing::EndsWith("\r\n\r\nbody"));
  socket.Say("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 400\r\nExpect: 100-continue\r\n\r\n");
  const std::string refusal = socket.HearAll();
  EXPECT_THAT(refusal, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(refusal, HasSubstr("Connection: close"));
}

TEST_F(ServerTest, OversizeBodiesAre413) {
  Start({.simple_body_limit = 1000});
  EXPECT_EQ(Do({.method = "POST", .url = "/echo", .body = std::string(1000, 'x')}).body.size(), 1000U);
  const auto sized = Do({.method = "POST", .url = "/echo", .body = std::string(1001, 'x')});
  EXPECT_EQ(sized.status, 413);
  EXPECT_THAT(sized.body, HasSubstr("longer than 1000 bytes"));
  EXPECT_THAT(Raw("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3e9\r\n" +
                  std::string(1001, 'x') + "\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  // Far more than the server reads on: the answer must arrive all the same.
  EXPECT_THAT(Raw("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\n" + std::string(9000000, 'x')),
              StartsWith("HTTP/1.1 413 "));
}

TEST_F(ServerTest, AnUnreadSmallBodyKeepsTheConnection) {
  Start();
  RawSocket socket(server_->port());
  socket.Say("POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n" + std::string(60000, 'x') +
             "GET /hello/next HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(socket.HearResponse(), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(socket.HearResponse(), HasSubstr("next"));
}

TEST_F(ServerTest, AClientThatLeavesMidBodyIsNoticed) {
  std::promise<std::pair<size_t, Status>> ended;
  more_routes_ = [&](Server& server) {
    server.Route("PUT", "/upload", [&](Exchange& exchange) -> Task<void> {
      std::string buffer(1 << 16, '\0');
      const std::span<char> room(buffer);
      size_t total = 0;
      while (true) {
        const StatusOr<size_t> read = co_await exchange.ReadBody(room);
        if (!read.ok()) {
          ended.set_value({total, read.status()});
          co_return;
        }
        total += *read;
      }
    });
  };
  Start();
  RawSocket socket(server_->port());
  socket.Say("PUT /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" + std::string(400000, 'x'));
  socket.HalfClose();
  const auto [total, status] = ended.get_future().get();
  EXPECT_EQ(total, 400000U) << "what arrived before was delivered";
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
}

TEST_F(ServerTest, SlowHeadsAndSilentBodiesRunIntoTheIdleTimeout) {
  Start({.idle_timeout = std::chrono::milliseconds(300)});
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
  EXPECT_THAT(stalled.HearAll(), HasSubstr("DEADLINE_EXCEEDED"));
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
  EXPECT_EQ(bad.Start().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace vora::http
