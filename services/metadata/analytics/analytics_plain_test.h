#pragma once

// What the numbers of an audience must be: put together from its events without SQL.

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "services/metadata/analytics/analytics_fixture_test.h"
#include "services/metadata/analytics/analytics_range.h"

namespace vora::metadata {

// A session put together without SQL.
struct Plain {
  std::string video_id, viewer;
  int64_t begun = INT64_MAX, heard = 0, startup = 0, furthest = 0, newest = -1;
  std::set<int64_t> sequences, numbered, errors;
  std::map<int64_t, ViewEvent> deltas;  // by sequence, the earliest
  std::set<std::string> renditions;
  bool played = false, ended = false;

  void Add(const TestEvent& row) {
    const ViewEvent& event = row.event;
    video_id = row.video_id;
    viewer = std::max(viewer, row.viewer);
    begun = std::min(begun, event.server_ms);
    heard = std::max(heard, event.server_ms);
    if (event.type == "play" && event.duration_ms > 0) startup = startup == 0 ? event.duration_ms : std::min(startup, event.duration_ms);
    furthest = std::max(furthest, event.position_ms);
    newest = std::max(newest, event.sequence);
    sequences.insert(event.sequence);
    if (event.sequence >= 0) numbered.insert(event.sequence);
    if (event.type == "error") errors.insert(event.sequence);
    if (!event.rendition.empty()) renditions.insert(event.rendition);
    played = played || event.type == "play" || event.type == "watch_time";
    ended = ended || event.type == "ended";
    if (event.type == "watch_time" || event.type == "stall") {
      const auto [at, added] = deltas.try_emplace(event.sequence, event);
      if (!added && event.server_ms < at->second.server_ms) at->second = event;
    }
  }
  int64_t Sum(const std::string& type) const {
    int64_t sum = 0;
    for (const auto& [sequence, event] : deltas) sum += event.type == type ? event.duration_ms : 0;
    return sum;
  }
  int64_t Count(const std::string& type) const {
    int64_t count = 0;
    for (const auto& [sequence, event] : deltas) count += event.type == type ? 1 : 0;
    return count;
  }
  int64_t lost() const { return newest < 0 ? 0 : newest + 1 - static_cast<int64_t>(numbered.size()); }
  // Where the last watched stretch ended; -1: none.
  int64_t exit() const {
    int64_t place = -1, turn = -1;
    for (const auto& [sequence, event] : deltas) {
      const int64_t now = sequence >= 0 ? sequence : event.server_ms / 1000;
      if (event.type != "watch_time" || event.duration_ms == 0 || now <= turn) continue;
      turn = now;
      place = event.position_ms;
    }
    return place;
  }
};

using Sessions = std::map<std::string, Plain>;

// Those that began in the range; `video_id` empty: of all videos.
inline Sessions PutTogether(const std::vector<TestEvent>& rows, const std::string& video_id, const AnalyticsRange& range) {
  Sessions all;
  for (const TestEvent& row : rows) {
    if (row.tenant == "default" && row.event.type != "delivery" && (video_id.empty() || row.video_id == video_id)) {
      all[row.session_id].Add(row);
    }
  }
  std::erase_if(all, [&](const auto& one) { return one.second.begun < range.from_ms || one.second.begun >= range.to_ms; });
  return all;
}

inline Sessions Views(Sessions sessions) {
  std::erase_if(sessions, [](const auto& one) { return !one.second.played; });
  return sessions;
}

// ClickHouse's quantileExact, in seconds.
inline double Quantile(std::vector<int64_t> values, double level) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return static_cast<double>(values[static_cast<size_t>(level * static_cast<double>(values.size()))]) / 1000;
}

}  // namespace vora::metadata
