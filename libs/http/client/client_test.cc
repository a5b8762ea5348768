#include "libs/http/client/client.h"

#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "libs/http/server/server.h"
#include "libs/http/testing/test_socket.h"
#include "libs/testing/status_matchers.h"

namespace vora::http {
namespace {

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    server_.RouteSimple("*", "/inspect", [](const Request& request, const std::string& body) {
      Response response = Response::Text(
          200, request.method + " " + request.headers.GetOr("X-Test", "-") + " " + request.headers.GetOr("Content-Type", "-") + " " + body);
      response.headers.Add("X-Twice", "1");
      response.headers.Add("X-Twice", "2");
      return response;
    });
    server_.RouteSimple("GET", "/big", [](const Request&, const std::string&) { return Response::Text(200, std::string(8 << 20, 'b')); });
    server_.RouteSimple("GET", "/wait", [this](const Request&, const std::string&) {
      release_.wait();
      return Response::Empty(204);
    });
    EXPECT_THAT(server_.Start(), IsOk());
  }
  ~ClientTest() override { release_.count_down(); }
  std::string Url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(server_.port()) + path; }

  std::latch release_{1};
  obs::Metrics metrics_;
  Server server_{{}, metrics_};
  Client client_;
};

TEST_F(ClientTest, SendsMethodHeadersAndBody) {
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
    ClientRequest request{.method = method, .url = Url("/inspect")};
    request.headers.Set("X-Test", "t");
    const bool with_body = std::string_view(method).starts_with('P');
    if (with_body) request.body = "the body";
    const auto response = client_.Do(request);
    ASSERT_EQ(ToText(response.status()), "OK");
    EXPECT_EQ(response->body, std::string(method) + " t - " + (with_body ? "the body" : ""));
    EXPECT_EQ(response->headers.all().size(), 5U) << "Date, Content-Type, X-Twice twice, Content-Length";
  }
  ClientRequest typed{.method = "POST", .url = Url("/inspect")};
  typed.headers.Set("Content-Type", "application/json");
  EXPECT_EQ(client_.Do(typed)->body, "POST - application/json ");
  EXPECT_EQ(client_.Do({.method = "HEAD", .url = Url("/inspect")})->body, "");
}

TEST_F(ClientTest, AnErrorStatusIsAnAnswer) { EXPECT_EQ(client_.Do({.url = Url("/nowhere")})->status, 404); }

TEST_F(ClientTest, NoAnswerIsUnavailable) {
  const int port = server_.port();
  server_.Shutdown(std::chrono::milliseconds(0));
  const auto response = client_.Do({.url = "http://127.0.0.1:" + std::to_string(port) + "/inspect"});
  EXPECT_THAT(response, StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(client_.Do({.url = "http://host.invalid/"}), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(client_.Do({.url = "ftp://127.0.0.1/"}), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(ClientTest, ALateAnswerIsDeadlineExceeded) {
  const auto response = client_.Do({.url = Url("/wait"), .timeout = std::chrono::milliseconds(100)});
  EXPECT_THAT(response, StatusIs(StatusCode::kDeadlineExceeded)) << ToText(response.status());
}

TEST_F(ClientTest, TheCallerCancels) {
  ClientRequest waiting{.url = Url("/wait")};
  waiting.cancelled = [] { return true; };
  EXPECT_THAT(client_.Do(waiting), StatusIs(StatusCode::kCancelled));
  size_t seen = 0;
  ClientRequest big{.url = Url("/big")};
  big.on_data = [&](std::string_view piece) {
    seen += piece.size();
    return seen < (1 << 20);
  };
  EXPECT_THAT(client_.Do(big), StatusIs(StatusCode::kCancelled));
  ClientRequest upload{.method = "PUT", .url = Url("/inspect")};
  upload.upload = [](char*, size_t) -> StatusOr<size_t> { return NotFound("the file is gone"); };
  EXPECT_EQ(ToText(client_.Do(upload).status()), "NOT_FOUND: the file is gone");
  EXPECT_EQ(client_.Do({.url = Url("/inspect")})->status, 200) << "the client can be used again";
}

TEST_F(ClientTest, StreamsTheAnswer) {
  size_t seen = 0;
  ClientRequest request{.url = Url("/big")};
  request.on_data = [&](std::string_view piece) {
    seen += piece.size();
    return true;
  };
  const auto response = client_.Do(request);
  EXPECT_EQ(response->body, "");
  EXPECT_EQ(seen, size_t{8} << 20);
}

}  // namespace
}  // namespace vora::http
