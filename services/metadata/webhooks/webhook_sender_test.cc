#include "services/metadata/webhooks/webhook_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <thread>

#include "libs/http/server/server.h"
#include "libs/testing/status_matchers.h"

namespace vora::metadata {
namespace {

using ::testing::HasSubstr;

// A receiver on the loopback interface.
class WebhookSenderTest : public ::testing::Test {
 protected:
  WebhookSenderTest() : server_({}, metrics_) {}
  void Answer(http::Response response) {
    server_.RouteSimple("POST", "/hook", [this, response](const http::Request& request, const std::string& body) {
      ++calls_;
      body_ = body;
      signature_ = request.headers.GetOr("webhook-signature", "");
      return response;
    });
    server_.RouteSimple("POST", "/elsewhere", [this](const http::Request&, const std::string&) {
      ++strays_;
      return http::Response::Empty(200);
    });
    ASSERT_THAT(server_.Start(), IsOk());
  }
  std::string url(const std::string& host = "127.0.0.1") const { return "http://" + host + ":" + std::to_string(server_.port()) + "/hook"; }

  obs::Metrics metrics_;
  std::atomic<int> calls_{0}, strays_{0};
  std::string body_, signature_;
  http::Server server_;
};

TEST_F(WebhookSenderTest, Delivers) {
  Answer(http::Response::Empty(204));
  WebhookSender sender(true);
  const auto answer = sender.Post(url(), {{"webhook-signature", "v1,abc"}}, "{}");
  EXPECT_THAT(answer.status, IsOk()) << Message(answer.status);
  EXPECT_EQ(answer.http_status, 204);
  EXPECT_EQ(body_, "{}");
  EXPECT_EQ(signature_, "v1,abc");
}

TEST_F(WebhookSenderTest, PrivateAddressesAreNotConnectedTo) {
  Answer(http::Response::Empty(200));
  WebhookSender sender(false);
  for (const std::string host : {"127.0.0.1", "localhost", "127.1", "0x7f000001", "[::1]"}) {
    std::string target = url(host);
    EXPECT_THAT(sender.Post(target, {}, "{}").status, StatusIs(StatusCode::kInvalidArgument)) << target;
    target.replace(0, 4, "https");
    const auto answer = sender.Post(target, {}, "{}");
    EXPECT_THAT(answer.status, StatusIs(StatusCode::kInvalidArgument)) << target;
    EXPECT_THAT(Message(answer.status), HasSubstr("is not public")) << target;
  }
  EXPECT_EQ(calls_, 0);
}

TEST_F(WebhookSenderTest, RedirectsAndProxiesAreNotFollowed) {
  http::Response redirect = http::Response::Empty(307);
  redirect.headers.Set("Location", "/elsewhere");
  Answer(redirect);
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  setenv("all_proxy", "http://127.0.0.1:1", 1);
  WebhookSender sender(true);
  const auto answer = sender.Post(url(), {}, "{}");
  unsetenv("http_proxy");
  unsetenv("all_proxy");
  EXPECT_EQ(answer.http_status, 307) << Message(answer.status);
  EXPECT_EQ(strays_, 0);
}

TEST_F(WebhookSenderTest, ALongAnswerIsCutAndItsStatusCounts) {
  Answer(http::Response::Text(200, std::string(8 << 20, 'x')));
  WebhookSender sender(true);
  const auto answer = sender.Post(url(), {}, "{}");
  EXPECT_THAT(answer.status, IsOk()) << Message(answer.status);
  EXPECT_EQ(answer.http_status, 200);
}

TEST_F(WebhookSenderTest, SaysHowLongToWait) {
  http::Response busy = http::Response::Empty(503);
  busy.headers.Set("Retry-After", "120");
  Answer(busy);
  WebhookSender sender(true);
  EXPECT_EQ(sender.Post(url(), {}, "{}").retry_after, std::chrono::seconds(120));
}

TEST_F(WebhookSenderTest, SilenceEndsAndSoDoesAnInterruption) {
  std::promise<void> called;
  server_.Route("POST", "/hook", [&](http::Exchange& exchange) -> http::Task<void> {
    if (++calls_ == 2) called.set_value();
    (void)co_await exchange.Sleep(std::chrono::seconds(60));
  });
  ASSERT_THAT(server_.Start(), IsOk());
  WebhookSender hasty(true, std::chrono::milliseconds(300));
  EXPECT_THAT(hasty.Post(url(), {}, "{}").status, StatusIs(StatusCode::kDeadlineExceeded));
  WebhookSender sender(true);
  std::thread interrupter([&] {
    called.get_future().wait();
    sender.Interrupt();
  });
  EXPECT_THAT(sender.Post(url(), {}, "{}").status, StatusIs(StatusCode::kCancelled));
  interrupter.join();
  EXPECT_THAT(sender.Post(url(), {}, "{}").status, StatusIs(StatusCode::kCancelled));
}

TEST(WebhookSenderAwayTest, NobodyThereIsUnavailable) {
  WebhookSender sender(true);
  EXPECT_THAT(sender.Post("http://127.0.0.1:1/", {}, "{}").status, StatusIs(StatusCode::kUnavailable));
}

}  // namespace
}  // namespace vora::metadata
