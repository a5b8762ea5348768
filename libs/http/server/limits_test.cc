// Clients that want too much, or take too long.

#include <sys/resource.h>

#include <future>
#include <latch>
#include <thread>

#include "libs/http/testing/test_fixture.h"
#include "libs/testing/status_matchers.h"

namespace vora::http {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::vector<std::string> kNobody = {"none"};  // loopback counts as a client
constexpr double kOneRequest = 0.001;               // and then none for a quarter of an hour
constexpr char kHello[] = "GET /hello/x HTTP/1.1\r\nHost: h\r\n\r\n";

class LimitsTest : public ServerTest {
 protected:
  void TearDown() override { server_.reset(); }
  double Refused(const std::string& reason) const {
    const std::string text = metrics_.Expose();
    const std::string name = "vora_http_refused_total{reason=\"" + reason + "\"} ";
    const size_t at = text.find(name);
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size()));
  }
  std::string Forwarded(const std::string& value) {
    return Raw("GET /hello/x HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: " + value + "\r\nConnection: close\r\n\r\n");
  }
};

TEST_F(LimitsTest, ConnectionsPerClient) {
  Start({.max_connections_per_client = 2, .trusted_proxies = kNobody});
  auto first = std::make_unique<RawSocket>(server_->port());
  RawSocket second(server_->port());
  for (RawSocket* socket : {first.get(), &second}) {
    socket->Say(kHello);
    EXPECT_THAT(socket->HearResponse(), StartsWith("HTTP/1.1 200 "));
  }
  const std::string refused = Raw("");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(refused, HasSubstr("\r\nRetry-After: 1\r\n"));
  EXPECT_THAT(refused, HasSubstr("too many connections from this address"));
  EXPECT_EQ(Refused("client_connections"), 1);
  second.Say(kHello);
  EXPECT_THAT(second.HearResponse(), StartsWith("HTTP/1.1 200 ")) << "those who are in stay in";
  first.reset();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  std::string answer;
  do {
    answer = Raw("GET /hello/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  } while (!answer.starts_with("HTTP/1.1 200 ") && std::chrono::steady_clock::now() < deadline);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
}

TEST_F(LimitsTest, AFloodOfConnectionsIsCutWithoutMuchAdo) {
  Start({.max_connections_per_client = 3, .trusted_proxies = kNobody});
  std::vector<std::unique_ptr<RawSocket>> flood;
  for (int i = 0; i < 300; ++i) flood.push_back(std::make_unique<RawSocket>(server_->port()));
  for (size_t i = 3; i < flood.size(); ++i) {
    const std::string answer = flood[i]->HearAll();
    EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 429 ")) << answer;
  }
  EXPECT_EQ(Refused("client_connections"), 297);
  flood[0]->Say(kHello);
  EXPECT_THAT(flood[0]->HearResponse(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(LimitsTest, RequestsPerClient) {
  Start({.max_requests_per_second_per_client = kOneRequest, .trusted_proxies = kNobody});
  RawSocket socket(server_->port());
  socket.Say(kHello);
  EXPECT_THAT(socket.HearResponse(), StartsWith("HTTP/1.1 200 "));
  socket.Say(kHello);
  const std::string refused = socket.HearResponse();
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(refused, HasSubstr("\r\nRetry-After: 1000\r\n"));
  EXPECT_THAT(refused, Not(HasSubstr("Connection: close")));
  socket.Say("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(socket.HearResponse(), StartsWith("HTTP/1.1 429 ")) << "before the body is asked for";
  EXPECT_EQ(Refused("client_requests"), 2);
  RawSocket another(server_->port());
  another.Say(kHello);
  EXPECT_THAT(another.HearResponse(), StartsWith("HTTP/1.1 429 ")) << "another connection of the same client";
}

TEST_F(LimitsTest, AFloodOfPipelinedRequestsEndsTheConnection) {
  Start({.max_requests_per_second_per_client = kOneRequest, .trusted_proxies = kNobody});
  std::string flood;
  for (int i = 0; i < 1000; ++i) flood += kHello;
  const std::string answers = Raw(flood);
  size_t count = 0;
  for (size_t at = answers.find("HTTP/1.1 "); at != std::string::npos; at = answers.find("HTTP/1.1 ", at + 1)) ++count;
  EXPECT_EQ(count, 1 + 101) << "one was served, a hundred were refused, and the next was the last";
}

TEST_F(LimitsTest, PipelinedRequestsAreAnsweredInOrderWithinLimits) {
  Start();
  constexpr int kMany = 2000;
  RawSocket socket(server_->port());
  std::thread sender([&] {
    for (int i = 0; i < kMany; ++i) socket.Say("GET /hello/" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n");
  });
  for (int i = 0; i < kMany; ++i) {
    ASSERT_THAT(socket.HearResponse(), HasSubstr("\"name\":\"" + std::to_string(i) + "\""));
  }
  sender.join();
}

TEST_F(LimitsTest, BehindATrustedProxyTheForwardedClientCounts) {
  Start({.max_requests_per_second_per_client = kOneRequest});
  EXPECT_THAT(Forwarded("203.0.113.5"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Forwarded("203.0.113.5"), StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(Forwarded("1.2.3.4, 203.0.113.5"), StartsWith("HTTP/1.1 429 ")) << "what a client makes up stands on the left";
  EXPECT_THAT(Forwarded("203.0.113.5, 127.0.0.7"), StartsWith("HTTP/1.1 429 ")) << "two proxies in a row";
  EXPECT_THAT(Forwarded("1.2.3.4\r\nX-Forwarded-For: 203.0.113.5"), StartsWith("HTTP/1.1 429 ")) << "the header twice";
  EXPECT_THAT(Forwarded("203.0.113.6"), StartsWith("HTTP/1.1 200 "));
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(Raw("GET /hello/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 200 ")) << "the proxy itself";
    EXPECT_THAT(Forwarded("nonsense"), StartsWith("HTTP/1.1 200 ")) << "the proxy itself, as far as anyone can tell";
    EXPECT_THAT(Forwarded("127.0.0.1"), StartsWith("HTTP/1.1 200 "));
  }
}

TEST_F(LimitsTest, OthersAreNotBelieved) {
  Start({.max_requests_per_second_per_client = kOneRequest, .trusted_proxies = kNobody});
  EXPECT_THAT(Forwarded("203.0.113.5"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Forwarded("203.0.113.6"), StartsWith("HTTP/1.1 429 "));
}

TEST_F(LimitsTest, HandlersLearnWhoTheClientIs) {
  more_routes_ = [](Server& server) {
    server.RouteSimple("GET", "/who", [](const Request& request, const std::string&) {
      return Response::Text(200, "client " + request.client + " by " + request.remote + ".");
    });
  };
  Start();
  EXPECT_THAT(Raw("GET /who HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 203.0.113.5\r\nConnection: close\r\n\r\n"),
              HasSubstr("client 203.0.113.5 by 127.0.0.1."));
  EXPECT_THAT(Raw("GET /who HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), HasSubstr("client 127.0.0.1 by 127.0.0.1."));
}

TEST_F(LimitsTest, BehindAProxyRequestsAtATimeCount) {
  std::latch inside(1), release(1);
  more_routes_ = [&](Server& server) {
    server.RouteSimple("GET", "/wait", [&](const Request&, const std::string&) {
      inside.count_down();
      release.wait();
      return Response::Empty(204);
    });
  };
  Start({.max_connections_per_client = 1});
  RawSocket waiting(server_->port());
  waiting.Say("GET /wait HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 203.0.113.5\r\nConnection: close\r\n\r\n");
  inside.wait();
  EXPECT_THAT(Forwarded("203.0.113.5"), StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(Forwarded("203.0.113.6"), StartsWith("HTTP/1.1 200 "));
  release.count_down();
  EXPECT_THAT(waiting.HearAll(), StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(Forwarded("203.0.113.5"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(LimitsTest, AnotherServerOfTheProcessGoesOnAnswering) {
  Start({.max_connections_per_client = 1, .max_requests_per_second_per_client = kOneRequest, .trusted_proxies = kNobody});
  Server admin({.trusted_proxies = kNobody}, metrics_);
  admin.RouteSimple("GET", "/livez", [](const Request&, const std::string&) { return Response::Text(200, "live"); });
  ASSERT_THAT(admin.Start(), IsOk());
  RawSocket all(server_->port());
  all.Say(kHello);
  all.HearResponse();
  EXPECT_THAT(Raw(kHello), StartsWith("HTTP/1.1 429 "));
  for (int i = 0; i < 20; ++i) {
    RawSocket socket(admin.port());
    socket.Say("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_THAT(socket.HearResponse(), StartsWith("HTTP/1.1 200 "));
  }
}

TEST_F(LimitsTest, TheLimitOfOpenFilesFitsTheConnections) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  if (before.rlim_max < 900) GTEST_SKIP() << "the hard limit of open files is too low to tell";
  rlimit low = before;
  low.rlim_cur = 256;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  Start({.max_connections = 600});
  rlimit after{};
  EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, 864U) << "a quarter is left for files and other servers";
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

// Says `piece` again and again until the server has answered and closed.
std::string Drip(RawSocket& socket, const std::string& begin, const std::string& piece) {
  std::atomic<bool> closed{false};
  std::thread drip([&] {
    socket.Say(begin);
    while (!closed) {
      socket.Say(piece);
      std::this_thread::sleep_for(milliseconds(10));
    }
  });
  std::string heard = socket.HearUntil("}\n");
  closed = true;
  drip.join();
  return heard;
}

TEST_F(LimitsTest, HeadsThatDripIn) {
  Start({.header_timeout = milliseconds(200)});
  RawSocket slow(server_->port());
  EXPECT_THAT(Drip(slow, "GET /hello/x HTTP/1.1\r\n", "X: 1\r\n"), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(Refused("header_timeout"), 1);
  RawSocket again(server_->port());
  again.Say(kHello);
  EXPECT_THAT(again.HearResponse(), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Drip(again, "GET /hello/x HTTP/1.1\r\n", "X: 1\r\n"), StartsWith("HTTP/1.1 408 ")) << "also later on a connection";
}

TEST_F(LimitsTest, BodiesThatDripIn) {
  Start({.idle_timeout = milliseconds(300), .min_body_rate = 1 << 20});
  for (const char* framing : {"Content-Length: 100000", "Transfer-Encoding: chunked"}) {
    RawSocket slow(server_->port());
    const bool chunked = framing[0] == 'T';
    const std::string answer =
        Drip(slow, std::string("POST /echo HTTP/1.1\r\nHost: h\r\n") + framing + "\r\n\r\n", chunked ? "1\r\nx\r\n" : "x");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 ")) << framing;
    EXPECT_THAT(answer, HasSubstr("too slowly")) << framing;
  }
  EXPECT_EQ(Refused("slow_body"), 2);
  ClientRequest fast{.method = "PUT", .url = "/hash", .body = Noise(8 << 20)};
  EXPECT_EQ(Do(fast).status, 200);
}

class SlowReaderTest : public LimitsTest {
 protected:
  // A response without end; what Write failed with is in `failure_`.
  void StartEndless(ServerOptions options) {
    more_routes_ = [this](Server& server) {
      server.Route("GET", "/endless", [this](Exchange& exchange) -> Task<void> { return Pour(exchange, failure_); });
    };
    Start(options);
  }
  static Task<void> Pour(Exchange& exchange, std::promise<Status>& failure) {
    Response head = Response::Empty(200);
    Status status = co_await exchange.Begin(std::move(head), std::nullopt);
    const std::string piece = Noise(64 << 10);
    while (status.ok()) status = co_await exchange.Write(piece);
    failure.set_value(status);
  }
  std::promise<Status> failure_;
};

TEST_F(SlowReaderTest, WhoTakesNothingIsCutOff) {
  StartEndless({.write_timeout = milliseconds(200)});
  RawSocket greedy(server_->port());
  greedy.Say("GET /endless HTTP/1.1\r\nHost: h\r\n\r\n");
  auto failed = failure_.get_future();
  ASSERT_EQ(failed.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  EXPECT_THAT(failed.get(), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_EQ(Refused("slow_reader"), 1);
}

TEST_F(SlowReaderTest, WhoTakesLittleIsCutOff) {
  StartEndless({.min_body_rate = 64 << 20, .write_timeout = milliseconds(400)});
  RawSocket slow(server_->port(), 8 << 10);
  slow.Say("GET /endless HTTP/1.1\r\nHost: h\r\n\r\n");
  auto failed = failure_.get_future();
  while (failed.wait_for(milliseconds(2)) != std::future_status::ready) {
    if (slow.Sip(16 << 10) == 0) break;
  }
  EXPECT_THAT(failed.get(), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_EQ(Refused("slow_reader"), 1);
}

}  // namespace
}  // namespace vora::http
