#pragma once

// What the last event of each CMCD session said. CMCD version 2 tells states and playheads, Vora's table wants how long was watched and how
// long a stall took: the differences. Bounded; who was heard of longest ago is forgotten first. After a restart, or when events of a
// session reach another replica, the interval since its last event is not counted.

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "libs/core/lru_map.h"

namespace vora::analytics {

// As one event tells it.
struct CmcdReport {
  int64_t time_ms = 0;                      // the player's clock; without it nothing is derived
  std::optional<int64_t> position_ms = {};  // playhead
  std::string state;                        // CMCD `sta`; empty: as before
  double rate = 1;                          // of playing
  std::optional<int64_t> stall_ms = {};     // how long the stall that just ended took, if the player says so
};
struct CmcdInterval {
  int64_t watched_ms = 0;  // since the report before
  int64_t stalled_ms = 0;  // of a stall that ended with this report
};

// Thread-safe.
class CmcdSessions {
 public:
  explicit CmcdSessions(size_t max_sessions = 20'000) : max_sessions_(max_sessions) {}
  CmcdInterval Report(const std::string& session, const CmcdReport& report);
  size_t size() const;

 private:
  struct Session {
    int64_t time_ms = 0;
    std::optional<int64_t> position_ms = {};
    std::string state = {};
    double rate = 1;
    int64_t stalled_since_ms = 0;  // 0: it plays
  };
  Session& Find(const std::string& key, bool& fresh);

  const size_t max_sessions_;
  mutable std::mutex mutex_;
  LruMap<std::string, Session> by_key_;
};

}  // namespace vora::analytics
