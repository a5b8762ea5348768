#include "libs/clickhouse/client.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "libs/clickhouse/framing.h"
#include "libs/clickhouse/testing/test_clickhouse.h"
#include "libs/http/client/client.h"
#include "libs/http/server/server.h"
#include "libs/obs/metrics.h"
#include "libs/testing/status_matchers.h"

namespace vora::clickhouse {
namespace {

// Rows of (UInt32, String), little endian.
std::string Rows(uint32_t first, uint32_t count, const std::string& text) {
  std::string out;
  for (uint32_t i = first; i < first + count; ++i) {
    out.append(reinterpret_cast<const char*>(&i), 4);
    out += static_cast<char>(text.size());
    out += text;
  }
  return out;
}

class ClientTest : public testing::TestWithParam<TestEngine> {
 protected:
  void SetUp() override {
    if (const std::string missing = Missing(GetParam()); !missing.empty()) GTEST_SKIP() << missing;
    options_ = Server().NewDatabase();
    Options before = options_;
    before.database = "system";
    Client admin(before);
    ASSERT_EQ(ToText(admin.Query("CREATE DATABASE " + options_.database).status()), "OK");
    client_ = std::make_unique<Client>(options_);
    Ask("CREATE TABLE t (a UInt32, b String) ENGINE = MergeTree PARTITION BY tuple() ORDER BY a");
  }
  static TestClickHouse& Server() { return TestClickHouse::Shared(GetParam()); }
  std::string Ask(const std::string& sql) {
    auto answer = client_->Query(sql);
    EXPECT_EQ(ToText(answer.status()), "OK") << sql;
    return answer.value_or("?");
  }
  Options options_;
  std::unique_ptr<Client> client_;
};

TEST_P(ClientTest, AnswersComeInTheQuerysFormat) {
  EXPECT_EQ(Ask("SELECT 1, 'x'"), "1\tx\n");
  EXPECT_EQ(Ask("SELECT 1 AS a FORMAT JSONEachRow"), "{\"a\":1}\n");
  EXPECT_EQ(Ask("SELECT " + Quote("a'b\\c\nd\t\xC3\xA4") + " FORMAT TabSeparatedRaw"), "a'b\\c\nd\t\xC3\xA4\n");
  const auto version = client_->ServerVersion();
  ASSERT_EQ(ToText(version.status()), "OK");
  EXPECT_TRUE(version->AtLeast(18, 16));
  EXPECT_EQ(version->AtLeast(22, 0), GetParam() == TestEngine::kCurrent);
}

TEST_P(ClientTest, RowsArriveExactly) {
  EXPECT_EQ(ToText(client_->Insert("INSERT INTO t (a, b) FORMAT RowBinary", Rows(0, 50'000, "text; 'with'\n\nall of it"), "client-test-1")),
            "OK");
  EXPECT_EQ(Ask("SELECT count(), sum(a), uniqExact(b) FROM t"), "50000\t1249975000\t1\n");
  EXPECT_EQ(Ask("SELECT DISTINCT b FROM t FORMAT TabSeparatedRaw"), "text; 'with'\n\nall of it\n");
}

TEST_P(ClientTest, RefusalsNameTheirReason) {
  const auto wrong = client_->Query("SELEC 1");
  EXPECT_THAT(wrong, StatusIs(StatusCode::kInvalidArgument)) << ToText(wrong.status());
  EXPECT_NE(ToText(wrong.status()).find("Code: 62"), std::string::npos);
  EXPECT_THAT(client_->Query("SELECT * FROM nowhere"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(client_->Query("SELECT throwIf(1)"), StatusIs(StatusCode::kAborted));
  InsertFate fate;
  const Status torn = client_->Insert("INSERT INTO t (a, b) FORMAT RowBinary", "abc", "client-test-2", {}, std::chrono::seconds(10), &fate);
  EXPECT_THAT(torn, StatusIs(StatusCode::kInvalidArgument)) << ToText(torn);
  EXPECT_EQ(fate, InsertFate::kEnded);
  Options stranger = options_;
  stranger.password = "guess-me";
  const Status refused = Client(stranger).Query("SELECT 1").status();
  EXPECT_THAT(refused, StatusIs(StatusCode::kInternal)) << ToText(refused);
  EXPECT_EQ(ToText(refused).find("guess-me"), std::string::npos);
  EXPECT_EQ(Ask("SELECT count() FROM t"), "0\n");
}

// What makes an insert all or nothing.
TEST_P(ClientTest, ABodyThatEndsEarlyInsertsNothing) {
  const std::string whole = *CompressBlock(Rows(0, 1000, "x"));
  http::Client raw;
  for (const size_t size : {size_t{0}, size_t{10}, whole.size() / 2, whole.size() - 1}) {
    http::ClientRequest request;
    request.method = "POST";
    request.url =
        options_.url + "/?database=" + options_.database +
        "&decompress=1&http_native_compression_disable_checksumming_on_decompress=1&query=INSERT%20INTO%20t%20(a,b)%20FORMAT%20RowBinary";
    request.headers.Add("X-ClickHouse-User", "default");
    request.headers.Add("X-ClickHouse-Key", "secret");
    request.body = whole.substr(0, size);
    (void)raw.Do(request);
    EXPECT_EQ(Ask("SELECT count() FROM t"), "0\n") << size;
  }
}

TEST_P(ClientTest, AServerThatIsAwayOrStandsStill) {
  Server().Kill();
  InsertFate fate;
  EXPECT_THAT(client_->Query("SELECT 1"), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(client_->Insert("INSERT INTO t (a, b) FORMAT RowBinary", Rows(0, 9, "x"), "q", {}, std::chrono::seconds(5), &fate).code(),
            StatusCode::kUnavailable);
  EXPECT_EQ(fate, InsertFate::kNotBegun);
  Server().Start();
  EXPECT_EQ(Ask("SELECT count() FROM t"), "0\n");
  Server().Suspend();
  EXPECT_THAT(client_->Query("SELECT 1", {}, std::chrono::milliseconds(300)), StatusIs(StatusCode::kDeadlineExceeded));
  const Status late =
      client_->Insert("INSERT INTO t (a, b) FORMAT RowBinary", Rows(0, 9, "x"), "q", {}, std::chrono::milliseconds(300), &fate);
  EXPECT_THAT(late, StatusIs(StatusCode::kDeadlineExceeded)) << ToText(late);
  // It never said `100 Continue`, so it has none of the rows.
  EXPECT_EQ(fate, InsertFate::kNotBegun);
  Server().Resume();
  EXPECT_EQ(Ask("SELECT count() FROM t"), "0\n");
}

TEST_P(ClientTest, ManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 10; ++n) EXPECT_EQ(Ask("SELECT " + std::to_string(i * 100 + n)), std::to_string(i * 100 + n) + "\n");
    });
  }
  for (std::thread& thread : threads) thread.join();
}

INSTANTIATE_TEST_SUITE_P(Engines, ClientTest, testing::Values(TestEngine::kDebian, TestEngine::kCurrent),
                         [](const auto& info) { return info.param == TestEngine::kDebian ? "Debian" : "Current"; });

http::Task<void> GiveUp(http::Exchange& exchange) {
  std::array<char, 4096> piece;
  for (StatusOr<size_t> read = size_t{1}; read.ok() && *read > 0;) read = co_await exchange.ReadBody(piece);
  http::Response late = http::Response::Text(504, "upstream request timeout");
  co_await exchange.Send(std::move(late));
}

TEST(InsertFateOf, AnAnswerOfAProxyTellsNothing) {
  obs::Metrics metrics;
  http::Server proxy({}, metrics);
  proxy.Route("POST", "/", [](http::Exchange& exchange) { return GiveUp(exchange); });
  ASSERT_EQ(ToText(proxy.Start()), "OK");
  Options options;
  options.url = "http://127.0.0.1:" + std::to_string(proxy.port());
  InsertFate fate = InsertFate::kEnded;
  const Status late =
      Client(options).Insert("INSERT INTO t (a, b) FORMAT RowBinary", Rows(0, 9, "x"), "q", {}, std::chrono::seconds(5), &fate);
  EXPECT_THAT(late, StatusIs(StatusCode::kUnavailable)) << ToText(late);
  EXPECT_EQ(fate, InsertFate::kUnknown);
}

TEST(Options, MistakesNameTheSetting) {
  Options options;
  EXPECT_EQ(ToText(options.Check()), "OK");
  options.url = "127.0.0.1:8123";
  EXPECT_NE(ToText(options.Check()).find("VORA_CLICKHOUSE_URL"), std::string::npos);
  options.url = "http://user:secret@host:8123";
  EXPECT_NE(ToText(options.Check()).find("VORA_CLICKHOUSE_URL"), std::string::npos);
  EXPECT_EQ(ToText(options.Check()).find("secret"), std::string::npos);
  options = {};
  options.database = "vora; DROP";
  EXPECT_NE(ToText(options.Check()).find("VORA_CLICKHOUSE_DATABASE"), std::string::npos);
}

}  // namespace
}  // namespace vora::clickhouse
