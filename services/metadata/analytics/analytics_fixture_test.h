#pragma once

// Playback events in a real ClickHouse with the real schema, and made-up audiences.

#include <cstdint>
#include <string>
#include <vector>

#include "libs/clickhouse/client.h"
#include "libs/clickhouse/testing/test_clickhouse.h"
#include "services/metadata/analytics/stall_cause.h"

namespace vora::metadata {

// A row of playback_events as analytics-ingest would insert it.
struct TestEvent {
  std::string tenant = "default";
  std::string video_id, session_id, viewer;
  ViewEvent event;
};

// A database of its own, without tables until Migrate.
class AnalyticsStore {
 public:
  explicit AnalyticsStore(clickhouse::TestEngine engine);
  // The statements of services/analytics-ingest/migrations.
  void Migrate();
  // One insert per day, as the shipper does it.
  void Insert(const std::vector<TestEvent>& rows);
  const clickhouse::Options& options() const { return options_; }
  clickhouse::TestClickHouse& server() { return server_; }

 private:
  void Run(const std::string& sql);
  clickhouse::TestClickHouse& server_;
  clickhouse::Options options_;
};

// One session step by step: play, then watched stretches with fetches and stalls between them. Times in ms.
class TestSession {
 public:
  TestSession(std::string video_id, std::string session_id, int64_t begin_ms);
  TestSession& Viewer(const std::string& viewer);
  // The next sequence number is left out: the event was lost on its way.
  TestSession& Lose();
  // From now on events carry random negative numbers, as those of players that do not number them.
  TestSession& Unnumbered();
  TestSession& Wait(int64_t ms);
  TestSession& Play(int64_t startup_ms);
  TestSession& Watch(int64_t ms, const std::string& rendition, int64_t bitrate);
  TestSession& Stall(int64_t ms);
  TestSession& Seek(int64_t position_ms);
  TestSession& Error(const std::string& code);
  TestSession& End();
  const std::vector<TestEvent>& events() const { return events_; }

 private:
  TestEvent& Add(const std::string& type);
  std::vector<TestEvent> events_;
  TestEvent next_;
  int64_t position_ms_ = 0;
  bool numbered_ = true;
};

// `sessions` sessions of `videos` over two days around midnight, by `seed`: several renditions, seeks, stalls, errors, gaps, some without
// numbers, some that never played. Every tenth event or so is there a second time, received later.
std::vector<TestEvent> MakeAudience(const std::vector<std::string>& videos, int sessions, int64_t begin_ms, unsigned seed);

}  // namespace vora::metadata
