#pragma once

// For the tests of this folder: a whole daemon's parts in front of a ClickHouse that is away, in a folder of its own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "libs/http/client/client.h"
#include "libs/testing/temp_folder.h"
#include "services/analytics-ingest/ingest_app.h"
#include "services/analytics-ingest/test_rows.h"

namespace vora::analytics {

using nlohmann::json;

inline constexpr char kPlay[] = R"({"video_id":"v","session_id":"s","sequence":0,"type":"play"})";

// Every row of a spool that nobody has open.
inline std::vector<Event> SpooledEvents(const std::string& directory) {
  obs::Metrics metrics;
  SpoolOptions options;
  options.directory = directory;
  options.max_age = std::chrono::hours(24 * 36500);  // the rows of a FakeClock are old
  auto spool = Spool::Open(options, Clock::Real(), metrics);
  EXPECT_EQ(ToText(spool.status()), "OK");
  std::vector<Event> events;
  (*spool)->SealNow();
  std::vector<SealedSegment> taken;
  while (const auto segment = (*spool)->Claim(std::chrono::milliseconds(0))) {
    const Status read = (*spool)->ReadRows(*segment, [&](std::string_view row) { events.push_back(EventOfRow(row)); });
    EXPECT_EQ(ToText(read), "OK");
    taken.push_back(*segment);
  }
  for (const SealedSegment& segment : taken) (*spool)->Nack(segment);
  return events;
}

class IngestTest : public ::testing::Test {
 protected:
  IngestTest() {
    settings_.http_listen = "127.0.0.1:0";
    settings_.spool.directory = folder_ / "spool";
    settings_.clickhouse.url = "http://127.0.0.1:9";
    settings_.viewer_secret = "0123456789abcdef";
  }
  void Start() {
    ASSERT_EQ(ToText(settings_.Check()), "OK");
    auto started = IngestApp::Start(settings_, authorizer_, clock_, metrics_);
    ASSERT_EQ(ToText(started.status()), "OK");
    app_ = *std::move(started);
  }
  // Stops everything and tells what is in the spool.
  std::vector<Event> StopAndRead() {
    app_.reset();
    return SpooledEvents(settings_.spool.directory);
  }
  http::ClientResponse Do(http::ClientRequest request) {
    request.url = "http://127.0.0.1:" + std::to_string(app_->http_port()) + request.url;
    auto response = client_.Do(request);
    EXPECT_EQ(ToText(response.status()), "OK");
    return response.ok() ? *response : http::ClientResponse{};
  }
  http::ClientResponse Post(const std::string& body, const std::string& type = "application/json", http::Headers headers = {}) {
    if (!type.empty()) headers.Set("Content-Type", type);
    return Do({.method = "POST", .url = "/e", .headers = std::move(headers), .body = body});
  }
  std::string Metric(const std::string& line) const {
    const std::string text = metrics_.Expose();
    const size_t at = text.find("\n" + line + " ");
    if (at == std::string::npos) return "absent";
    const size_t begin = at + line.size() + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
  }

  rpc::Authorizer authorizer_ = rpc::Authorizer::Open();
  const TempFolder folder_;
  IngestSettings settings_;
  FakeClock clock_;
  obs::Metrics metrics_;
  std::unique_ptr<IngestApp> app_;
  http::Client client_;
};

}  // namespace vora::analytics
