#include "services/metadata/analytics/analytics_fixture_test.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

#include "libs/core/clock.h"
#include "libs/testing/status_matchers.h"

namespace vora::metadata {
namespace {

using clickhouse::Quote;

std::string Date(int64_t ms) { return FormatRfc3339(SystemTime(std::chrono::milliseconds(ms))).substr(0, 10); }

std::string Values(const TestEvent& row) {
  const ViewEvent& event = row.event;
  std::ostringstream out;
  out << "('" << Date(event.server_ms) << "', " << event.server_ms / 1000 << ", " << event.server_ms << ", " << event.player_ms << ", "
      << Quote(row.tenant) << ", " << Quote(row.video_id) << ", " << Quote(row.session_id) << ", " << event.sequence << ", "
      << Quote(event.type) << ", " << (event.type == "delivery" ? "'gateway'" : "'json'") << ", " << event.position_ms << ", "
      << event.duration_ms << ", " << Quote(event.rendition) << ", " << event.bitrate << ", " << event.segment_index << ", "
      << Quote(event.error_code) << ", " << event.buffer_ms << ", 0, " << Quote(row.viewer) << ", '', " << Quote(event.cache) << ", "
      << event.origin_ms << ", " << event.bytes << ", " << event.status << ", " << Quote(event.object) << ", 'test')";
  return out.str();
}

// Statements end in a semicolon at the end of a line; comments are lines of their own or end one.
std::vector<std::string> Statements(const std::filesystem::path& file) {
  std::vector<std::string> statements;
  std::ifstream in(file);
  std::string line, statement;
  while (std::getline(in, line)) {
    line = line.substr(0, line.find("--"));
    statement += line + "\n";
    if (line.ends_with(';')) {
      statement.erase(statement.find_last_of(';'));
      statements.push_back(std::exchange(statement, ""));
    }
  }
  return statements;
}

}  // namespace

AnalyticsStore::AnalyticsStore(clickhouse::TestEngine engine)
    : server_(clickhouse::TestClickHouse::Shared(engine)), options_(server_.NewDatabase()) {
  options_.timeout = std::chrono::seconds(20);
}

void AnalyticsStore::Run(const std::string& sql) {
  const auto answer = clickhouse::Client(options_).Query(sql);
  ASSERT_THAT(answer, IsOk()) << ToText(answer.status()) << "\n" << sql.substr(0, 400);
}

void AnalyticsStore::Migrate() {
  clickhouse::Options anywhere = options_;
  anywhere.database = "system";
  ASSERT_THAT(clickhouse::Client(anywhere).Query("CREATE DATABASE " + options_.database), IsOk());
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(VORA_ANALYTICS_MIGRATIONS)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  ASSERT_FALSE(files.empty());
  for (const auto& file : files) {
    for (const std::string& statement : Statements(file)) Run(statement);
  }
}

void AnalyticsStore::Insert(const std::vector<TestEvent>& rows) {
  std::map<std::string, std::string> days;
  for (const TestEvent& row : rows) {
    std::string& values = days[Date(row.event.server_ms)];
    values += (values.empty() ? "" : ", ") + Values(row);
  }
  for (const auto& [day, values] : days) {
    Run("INSERT INTO playback_events (event_date, event_time, server_ms, player_ms, tenant, video_id, session_id, sequence, type, source, "
        "position_ms, duration_ms, rendition, bitrate, segment_index, error_code, buffer_ms, throughput_kbps, viewer, client_net, cache, "
        "origin_ms, bytes, status, object, batch) VALUES " +
        values);
  }
}

TestSession::TestSession(std::string video_id, std::string session_id, int64_t begin_ms) {
  next_.video_id = std::move(video_id);
  next_.session_id = std::move(session_id);
  next_.event.server_ms = begin_ms;
  next_.event.sequence = 0;
}

TestEvent& TestSession::Add(const std::string& type) {
  TestEvent row = next_;
  row.event.type = type;
  row.event.player_ms = row.event.server_ms - 40;
  row.event.position_ms = position_ms_;
  if (numbered_) {
    ++next_.event.sequence;
  } else {
    row.event.sequence = -1 - static_cast<int64_t>(std::hash<std::string>()(row.session_id + std::to_string(events_.size())) >> 2);
  }
  events_.push_back(row);
  return events_.back();
}

TestSession& TestSession::Viewer(const std::string& viewer) {
  next_.viewer = viewer;
  return *this;
}

TestSession& TestSession::Lose() {
  ++next_.event.sequence;
  return *this;
}

TestSession& TestSession::Unnumbered() {
  numbered_ = false;
  return *this;
}

TestSession& TestSession::Wait(int64_t ms) {
  next_.event.server_ms += ms;
  return *this;
}

TestSession& TestSession::Play(int64_t startup_ms) {
  Wait(startup_ms);
  Add("play").event.duration_ms = startup_ms;
  return *this;
}

TestSession& TestSession::Watch(int64_t ms, const std::string& rendition, int64_t bitrate) {
  Wait(ms);
  position_ms_ += ms;
  ViewEvent& event = Add("watch_time").event;
  event.duration_ms = ms;
  event.rendition = rendition;
  event.bitrate = bitrate;
  return *this;
}

TestSession& TestSession::Stall(int64_t ms) {
  Wait(ms);
  Add("stall").event.duration_ms = ms;
  return *this;
}

TestSession& TestSession::Seek(int64_t position_ms) {
  position_ms_ = position_ms;
  Wait(100);
  Add("seek");
  return *this;
}

TestSession& TestSession::Error(const std::string& code) {
  Add("error").event.error_code = code;
  return *this;
}

TestSession& TestSession::End() {
  Wait(10);
  Add("ended");
  return *this;
}

std::vector<TestEvent> MakeAudience(const std::vector<std::string>& videos, int sessions, int64_t begin_ms, unsigned seed) {
  std::mt19937 random(seed);
  const auto below = [&random](int64_t limit) { return static_cast<int64_t>(random() % static_cast<uint64_t>(limit)); };
  const std::vector<std::pair<std::string, int64_t>> renditions = {{"360p", 800'000}, {"720p", 2'800'000}, {"1080p", 5'200'000}};
  std::vector<TestEvent> rows;
  for (int i = 0; i < sessions; ++i) {
    TestSession session(videos[static_cast<size_t>(below(static_cast<int64_t>(videos.size())))],
                        "s" + std::to_string(seed) + "-" + std::to_string(i), begin_ms + below(2 * 86'400'000));
    if (below(3) > 0) session.Viewer("viewer" + std::to_string(below(sessions / 3 + 1)));
    if (below(8) == 0) session.Unnumbered();
    if (below(10) == 0) {
      session.Error("MANIFEST");
      rows.insert(rows.end(), session.events().begin(), session.events().end());
      continue;
    }
    session.Play(below(7) == 0 ? 0 : 100 + below(4000));
    for (int64_t step = below(20); step > 0; --step) {
      const auto& [name, bitrate] = renditions[static_cast<size_t>(below(3))];
      session.Watch(1000 + below(7000), name, below(12) == 0 ? 0 : bitrate);
      if (below(5) == 0) session.Stall(200 + below(5000));
      if (below(9) == 0) session.Lose();
      if (below(9) == 0) session.Seek(below(110'000));
      if (below(15) == 0) session.Error("DECODE");
    }
    if (below(2) == 0) session.End();
    for (const TestEvent& row : session.events()) {
      rows.push_back(row);
      if (row.event.sequence < 0 || below(10) != 0) continue;
      rows.push_back(row);
      rows.back().event.server_ms += below(60'000);
    }
  }
  std::shuffle(rows.begin(), rows.end(), random);
  return rows;
}

}  // namespace vora::metadata
