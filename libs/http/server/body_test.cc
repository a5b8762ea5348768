// Bodies in both directions.

#include <cstring>
#include <future>

#include "libs/http/testing/test_fixture.h"
#include "libs/testing/status_matchers.h"

namespace vora::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using BodyTest = ServerTest;

TEST_F(BodyTest, BodiesArriveWholeSizedAndChunked) {
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

TEST_F(BodyTest, ChunksOfEverySizeAndATrailer) {
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

TEST_F(BodyTest, StreamsResponsesSizedAndChunked) {
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

TEST_F(BodyTest, AResponseThatEndsEarlyIsSeenToBeCut) {
  more_routes_ = [](Server& server) {
    server.Route("GET", "/cut/{kind}", [](Exchange& exchange) -> Task<void> {
      const bool sized = exchange.request().params.at("kind") == "sized";
      Response head = Response::Empty(200);
      const std::optional<int64_t> length = sized ? std::make_optional<int64_t>(100) : std::nullopt;
      co_await exchange.Begin(std::move(head), length);
      co_await exchange.Write("half");
      if (sized) {
        const Status status = co_await exchange.Finish();
        EXPECT_THAT(status, StatusIs(StatusCode::kInternal));
      }
    });
  };
  Start();
  for (const char* path : {"/cut/sized", "/cut/chunked"}) {
    EXPECT_THAT(client_.Do({.url = Url(path)}), StatusIs(StatusCode::kUnavailable)) << path;
  }
}

TEST_F(BodyTest, HundredContinueOnlyWhenTheBodyIsWanted) {
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

TEST_F(BodyTest, OversizeBodiesAre413) {
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

TEST_F(BodyTest, AnUnreadSmallBodyKeepsTheConnection) {
  Start();
  RawSocket socket(server_->port());
  socket.Say("POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n" + std::string(60000, 'x') +
             "GET /hello/next HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(socket.HearResponse(), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(socket.HearResponse(), HasSubstr("next"));
}

TEST_F(BodyTest, AClientThatLeavesMidBodyIsNoticed) {
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
  EXPECT_THAT(status, StatusIs(StatusCode::kUnavailable));
}

}  // namespace
}  // namespace vora::http
