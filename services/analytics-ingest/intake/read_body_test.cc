#include "services/analytics-ingest/intake/read_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/http/testing/test_socket.h"
#include "libs/obs/metrics.h"

namespace vora::analytics {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

http::Task<void> Answer(http::Exchange& exchange, milliseconds patience) {
  StatusOr<std::string> body = co_await ReadWholeBody(exchange, 100'000, patience);
  http::Response answer = body.ok() ? http::Response::Text(200, std::to_string(body->size())) : http::ErrorResponse(body.status());
  co_await exchange.Send(std::move(answer));
}

class ReadWholeBodyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.Route("POST", "/patient", [](http::Exchange& exchange) { return Answer(exchange, std::chrono::hours(1)); });
    server_.Route("POST", "/impatient", [](http::Exchange& exchange) { return Answer(exchange, milliseconds(-1)); });
    ASSERT_EQ(ToText(server_.Start()), "OK");
  }
  std::string Send(const std::string& path, const std::string& headers, const std::string& body) {
    http::RawSocket socket(server_.port());
    socket.Say("POST " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n" + body);
    return socket.HearResponse();
  }
  obs::Metrics metrics_;
  http::Server server_{{}, metrics_};
};

TEST_F(ReadWholeBodyTest, OfAnyKnownLength) {
  for (const size_t size : {0u, 1u, 99'999u, 100'000u}) {
    const std::string answer = Send("/patient", "Content-Length: " + std::to_string(size) + "\r\n", std::string(size, 'x'));
    EXPECT_THAT(answer, HasSubstr("200 OK"));
    EXPECT_THAT(answer, HasSubstr("\r\n\r\n" + std::to_string(size)));
  }
  EXPECT_THAT(Send("/patient", "Content-Length: 100001\r\n", ""), HasSubstr("longer than 100000 bytes"));
}

TEST_F(ReadWholeBodyTest, InChunksUpToTheLimit) {
  const auto chunks = [](size_t count) {
    std::string body;
    for (size_t i = 0; i < count; ++i) body += "3e8\r\n" + std::string(1000, 'x') + "\r\n";
    return body + "0\r\n\r\n";
  };
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  EXPECT_THAT(Send("/patient", chunked, chunks(0)), HasSubstr("\r\n\r\n0"));
  EXPECT_THAT(Send("/patient", chunked, chunks(100)), HasSubstr("\r\n\r\n100000"));
  EXPECT_THAT(Send("/patient", chunked, chunks(101)), HasSubstr("longer than 100000 bytes"));
}

TEST_F(ReadWholeBodyTest, NotForEver) {
  EXPECT_THAT(Send("/impatient", "Content-Length: 10\r\n", "half"), HasSubstr("did not come within"));
}

}  // namespace
}  // namespace vora::analytics
