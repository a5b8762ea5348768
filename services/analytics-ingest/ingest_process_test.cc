// The daemon as a process: killed, drained, told wrong settings.

#include <csignal>
#include <thread>

#include "libs/http/testing/test_socket.h"
#include "libs/testing/child_process.h"
#include "libs/testing/temp_folder.h"
#include "services/analytics-ingest/test_ingest.h"

namespace vora::analytics {
namespace {

using ::testing::HasSubstr;

class IngestProcessTest : public ::testing::Test {
 protected:
  std::map<std::string, std::string> Environment() const {
    return {{"VORA_AUTH", "none"},
            {"VORA_HTTP_LISTEN", "127.0.0.1:" + std::to_string(port_)},
            {"VORA_GRPC_LISTEN", "127.0.0.1:0"},
            {"VORA_ADMIN_LISTEN", "127.0.0.1:0"},
            {"VORA_SPOOL_DIR", spool_},
            {"VORA_CLICKHOUSE_URL", "http://127.0.0.1:9"},
            {"VORA_CLIENT_EVENTS_PER_SECOND", "0"},
            {"VORA_CLIENT_REQUESTS_PER_SECOND", "0"},
            {"VORA_LOG_LEVEL", log_level_}};
  }
  void Start() {
    process_ = std::make_unique<ChildProcess>(INGEST, std::vector<std::string>{}, Environment());
    const auto line = process_->WaitForLog("taking events in");
    ASSERT_TRUE(line.has_value()) << process_->err();
    port_ = line->at("port").get<int>();
  }
  // 0: no answer.
  int Post(http::Client& client, const std::string& body) const {
    http::ClientRequest request{.method = "POST", .url = "http://127.0.0.1:" + std::to_string(port_) + "/e", .body = body};
    request.headers.Set("Content-Type", "application/json");
    request.headers.Set("X-Forwarded-For", "198.51.100.77");
    const auto answer = client.Do(request);
    return answer.ok() ? answer->status : 0;
  }

  const TempFolder folder_;
  const std::string spool_ = folder_ / "spool";
  std::string log_level_ = "info";  // nobody reads a busy daemon's log here, and a full pipe would stop it
  int port_ = 0;
  std::unique_ptr<ChildProcess> process_;
};

std::string EventOf(const std::string& session, int64_t sequence) {
  return json{{"video_id", "v"}, {"session_id", session}, {"sequence", sequence}, {"type", "play"}}.dump();
}

TEST_F(IngestProcessTest, WhatWasAnsweredOutlivesAKill) {
  std::map<std::pair<std::string, int64_t>, int> answered;
  for (int round = 0; round < 5; ++round) {
    Start();
    std::mutex mutex;
    std::atomic<int> count{0};
    std::vector<std::thread> senders;
    for (int sender = 0; sender < 4; ++sender) {
      senders.emplace_back([&, sender] {
        http::Client client;
        const std::string session = "s" + std::to_string(round) + "-" + std::to_string(sender);
        for (int64_t sequence = 0;; ++sequence) {
          const int status = Post(client, EventOf(session, sequence));
          if (status == 0) return;
          if (status != 202) continue;
          const std::lock_guard lock(mutex);
          answered[{session, sequence}] = 0;
          ++count;
        }
      });
    }
    while (count < 50 * (round + 1)) std::this_thread::yield();
    process_->Signal(SIGKILL);
    for (std::thread& sender : senders) sender.join();
    EXPECT_EQ(process_->Wait(), 128 + SIGKILL);
  }
  for (const Event& event : SpooledEvents(spool_)) {
    const auto found = answered.find({event.session_id, event.sequence});
    if (found != answered.end()) ++found->second;  // others were written, but nobody was told
  }
  EXPECT_GE(answered.size(), 750u);
  for (const auto& [event, rows] : answered) ASSERT_EQ(rows, 1) << event.first << " " << event.second;
}

TEST_F(IngestProcessTest, DrainsAndTellsNoAddress) {
  log_level_ = "debug";
  Start();
  http::Client client;
  EXPECT_EQ(Post(client, EventOf("s", 1)), 202);
  EXPECT_EQ(Post(client, "{"), 400);
  process_->Signal(SIGTERM);
  EXPECT_EQ(process_->Wait(), 0);
  EXPECT_EQ(SpooledEvents(spool_).size(), 1u);
  // The access log was on, and names nobody.
  EXPECT_THAT(process_->err(), HasSubstr("http request"));
  EXPECT_THAT(process_->err(), ::testing::Not(HasSubstr("198.51.100.77")));
}

TEST_F(IngestProcessTest, ARequestInFlightIsFinishedBeforeTheEnd) {
  Start();
  const std::string event = EventOf("s", 1);
  http::RawSocket socket(port_);
  socket.Say("POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: " + std::to_string(event.size()) + "\r\n\r\n");
  ASSERT_THAT(socket.HearUntil("\r\n\r\n"), HasSubstr("100 Continue"));
  socket.Say(event.substr(0, 5));
  process_->Signal(SIGTERM);
  ASSERT_TRUE(process_->WaitForLog("draining").has_value());
  socket.Say(event.substr(5));
  EXPECT_THAT(socket.HearAll(), HasSubstr("202 Accepted"));
  EXPECT_EQ(process_->Wait(), 0);
  EXPECT_EQ(SpooledEvents(spool_).size(), 1u);
}

TEST_F(IngestProcessTest, TellsWhatIsWrongWithItsSettings) {
  auto environment = Environment();
  environment["VORA_TRUSTED_PROXIES"] = "10.0.0.0/40";
  ChildProcess wrong(INGEST, {}, environment);
  EXPECT_EQ(wrong.Wait(), 2);
  EXPECT_THAT(wrong.err(), HasSubstr("VORA_TRUSTED_PROXIES"));
  environment["VORA_TRUSTED_PROXIES"] = "";
  environment["VORA_VIEWER_HASH"] = "sometimes";
  ChildProcess choice(INGEST, {}, environment);
  EXPECT_EQ(choice.Wait(), 2);
  EXPECT_THAT(choice.err(), HasSubstr("VORA_VIEWER_HASH"));
}

TEST_F(IngestProcessTest, ChecksASpool) {
  Start();
  http::Client client;
  EXPECT_EQ(Post(client, EventOf("s", 1)), 202);
  ChildProcess running(INGEST, {"--check-spool", spool_}, {});
  EXPECT_EQ(running.Wait(), 0) << running.err();
  EXPECT_THAT(running.out(), HasSubstr("1 rows"));
  ChildProcess by_setting(INGEST, {"--check-spool"}, {{"VORA_SPOOL_DIR", spool_}});
  EXPECT_EQ(by_setting.Wait(), 0) << by_setting.err();
}

TEST_F(IngestProcessTest, TheSecretStays) {
  const auto viewer = [&] {
    Start();
    http::Client client;
    EXPECT_EQ(Post(client, R"({"video_id":"v","session_id":"s","type":"play","viewer_id":"bob"})"), 202);
    process_->Signal(SIGTERM);
    EXPECT_EQ(process_->Wait(), 0);
    return SpooledEvents(spool_).back().viewer;
  };
  const std::string first = viewer();
  EXPECT_EQ(first.size(), 32u);
  EXPECT_EQ(viewer(), first);
}

}  // namespace
}  // namespace vora::analytics
