#pragma once

// A spool, a private ClickHouse of either engine and a shipper between them; and the figures that must come out exactly.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "libs/clickhouse/testing/test_clickhouse.h"
#include "libs/core/clock.h"
#include "libs/core/ids.h"
#include "libs/testing/tcp_gate.h"
#include "libs/testing/temp_folder.h"
#include "services/analytics-ingest/events/event.h"
#include "services/analytics-ingest/shipper/migrate.h"
#include "services/analytics-ingest/shipper/shipper.h"
#include "services/analytics-ingest/shipper/shipper_segment.h"
#include "services/analytics-ingest/spool/spool.h"

namespace vora::analytics {

inline std::string EngineName(const testing::TestParamInfo<clickhouse::TestEngine>& info) {
  return info.param == clickhouse::TestEngine::kDebian ? "Debian" : "Current";
}

class ShipperTest : public testing::TestWithParam<clickhouse::TestEngine> {
 protected:
  static constexpr std::chrono::seconds kLong{60};

  static clickhouse::TestClickHouse& Server() { return clickhouse::TestClickHouse::Shared(GetParam()); }

  void SetUp() override {
    if (const std::string missing = clickhouse::Missing(GetParam()); !missing.empty()) GTEST_SKIP() << missing;
    Server().Start();
    direct_options_ = Server().NewDatabase();
    direct_ = std::make_unique<clickhouse::Client>(direct_options_);
    gate_ = std::make_unique<TcpGate>("127.0.0.1", Server().port());
    clickhouse::Options through = direct_options_;
    through.url = "http://127.0.0.1:" + std::to_string(gate_->port());
    through.timeout = std::chrono::seconds(5);
    client_ = std::make_unique<clickhouse::Client>(through);
    options_.backoff_min = std::chrono::milliseconds(20);
    options_.backoff_max = std::chrono::milliseconds(300);
    options_.insert_timeout = std::chrono::seconds(20);
    options_.begin_within = std::chrono::seconds(6);
    OpenSpool();
  }
  void TearDown() override {
    if (!direct_) return;  // skipped
    shipper_.reset();
    spool_.reset();
    client_.reset();
    gate_.reset();
  }

  void OpenSpool() {
    spool_.reset();
    SpoolOptions options;
    options.directory = folder_.path();
    options.fsync_interval = std::chrono::milliseconds(100);
    options.segment_age = std::chrono::seconds(20);
    options.segment_rows = 200'000;
    auto spool = Spool::Open(options, Clock::Real(), metrics_);
    ASSERT_EQ(ToText(spool.status()), "OK");
    spool_ = std::move(*spool);
  }
  void StartShipper() {
    shipper_ = std::make_unique<Shipper>(*spool_, *client_, options_, metrics_);
    shipper_->Start();
  }
  void Flush() { ASSERT_EQ(ToText(shipper_->Flush(kLong)), "OK"); }

  // `rows` more events of one new session: play, then watch time and stalls, 1 s and 10 ms each.
  void Append(int64_t rows, int32_t days_ago = 0, const std::string& viewer = "", const std::string& tenant = "default") {
    const auto now = ToUnixMs(Clock::Real().Now());
    Event event;
    event.server_ms = now - int64_t{days_ago} * 86'400'000;
    event.video_id = "video" + std::to_string(sessions_ % 3);
    event.session_id = "session-" + std::to_string(++sessions_);
    event.viewer = viewer;
    event.tenant = tenant;
    std::vector<std::string> lines;
    for (int64_t i = 0; i < rows; ++i) {
      event.sequence = i;
      event.type = i == 0 ? EventType::kPlay : i % 10 == 9 ? EventType::kStall : EventType::kWatchTime;
      event.duration_ms = i == 0 ? 700 : i % 10 == 9 ? 10 : 1000;
      event.position_ms = static_cast<uint32_t>(i * 1000);
      event.rendition = i % 2 == 0 ? "720p" : "1080p";
      if (bulky_) {
        event.object = RandomHex(static_cast<int>(kMaxObjectBytes / 2));
        event.error_code = RandomHex(static_cast<int>(kMaxIdBytes / 2));
      }
      AppendRow(event, lines.emplace_back());
      if (i > 0) ++deltas_;
    }
    rows_ += rows;
    std::promise<Status> confirmed;
    ASSERT_EQ(ToText(spool_->Append(DayOf(event.server_ms), lines, [&](Status status) { confirmed.set_value(status); })), "OK");
    ASSERT_EQ(ToText(confirmed.get_future().get()), "OK");
  }
  std::string Ask(const std::string& sql) {
    const auto answer = direct_->Query(sql);
    EXPECT_EQ(ToText(answer.status()), "OK") << sql;
    return answer.value_or("?");
  }
  // Every appended event exactly once in both tables.
  void ExpectExact() {
    EXPECT_EQ(Ask("SELECT count(), uniqExact(session_id, sequence) FROM playback_events"),
              std::to_string(rows_) + "\t" + std::to_string(rows_) + "\n");
    EXPECT_EQ(Ask("SELECT count(), sum(e), sum(d) FROM (SELECT uniqExactMerge(events) AS e, length(groupUniqArrayIfMerge(deltas)) AS d"
                  " FROM playback_sessions GROUP BY tenant, video_id, session_id)"),
              std::to_string(sessions_) + "\t" + std::to_string(rows_) + "\t" + std::to_string(deltas_) + "\n");
    EXPECT_TRUE(spool_->Empty());
  }
  // One insert each: a part that no merge has made.
  std::string PartsInserted() {
    return Ask(
        "SELECT count() FROM system.parts WHERE table = 'playback_events' AND min_block_number = max_block_number AND level = 0 AND "
        "database = " +
        clickhouse::Quote(direct_options_.database));
  }
  double Batches(const std::string& result) {
    const std::string text = metrics_.Expose(), name = "vora_ship_batches_total{result=\"" + result + "\"} ";
    const size_t at = text.find(name);
    return at == std::string::npos ? 0 : std::atof(text.c_str() + at + name.size());
  }
  // What a daemon leaves behind that dies after `how_far`.
  enum class HowFar { kMarked, kInserted };
  void DieWithASegmentInDoubt(HowFar how_far);

  const TempFolder folder_;
  obs::Metrics metrics_;
  clickhouse::Options direct_options_;
  std::unique_ptr<clickhouse::Client> direct_;  // past the gate
  std::unique_ptr<TcpGate> gate_;
  std::unique_ptr<clickhouse::Client> client_;
  ShipperOptions options_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<Shipper> shipper_;
  int64_t rows_ = 0, sessions_ = 0, deltas_ = 0;
  bool bulky_ = false;  // rows that cannot be compressed, so that an insert does not fit into the sockets on its way
};

}  // namespace vora::analytics
