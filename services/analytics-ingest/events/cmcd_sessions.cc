#include "services/analytics-ingest/events/cmcd_sessions.h"

#include <algorithm>
#include <cmath>

namespace vora::analytics {
namespace {

constexpr int64_t kMaxIntervalMs = 10 * 60'000;  // a player that said nothing for longer was asleep
constexpr int64_t kSlackMs = 1000;               // playheads are rounded, and clocks do not run alike

bool Plays(const std::string& state) { return state == "p"; }
bool Stalls(const std::string& state) { return state == "r"; }

// By the playhead if it moved as playing moves it, else (after a jump, or without a playhead) by the clock.
int64_t Watched(int64_t elapsed_ms, double rate, std::optional<int64_t> before, std::optional<int64_t> now) {
  const int64_t possible = std::llround(static_cast<double>(elapsed_ms) * rate);
  if (!before || !now) return possible;
  const int64_t moved = *now - *before;
  return moved >= 0 && moved <= possible + kSlackMs ? moved : possible;
}

}  // namespace

CmcdSessions::Session& CmcdSessions::Find(const std::string& key, bool& fresh) {
  Session* const known = by_key_.Use(key);
  fresh = known == nullptr;
  if (!fresh) return *known;
  if (by_key_.size() >= max_sessions_) by_key_.TakeOldest();
  return by_key_.Insert(key, {});
}

CmcdInterval CmcdSessions::Report(const std::string& session, const CmcdReport& report) {
  CmcdInterval interval;
  if (report.stall_ms) interval.stalled_ms = *report.stall_ms;
  if (report.time_ms <= 0) return interval;
  const std::lock_guard lock(mutex_);
  bool fresh = false;
  Session& known = Find(session, fresh);
  if (!fresh && report.time_ms <= known.time_ms) return interval;  // late, or sent again
  const int64_t elapsed = report.time_ms - known.time_ms;
  // Between two reports the player did what the first of them said.
  if (!fresh && Plays(known.state) && elapsed <= kMaxIntervalMs) {
    interval.watched_ms = Watched(elapsed, known.rate, known.position_ms, report.position_ms);
  }
  const std::string& state = report.state.empty() ? known.state : report.state;
  if (Stalls(state) && known.stalled_since_ms == 0) known.stalled_since_ms = report.time_ms;
  if (!Stalls(state) && known.stalled_since_ms != 0) {
    const int64_t stalled = report.time_ms - known.stalled_since_ms;
    // A player that says how long the stall took knows better than the difference of two reports.
    if (!report.stall_ms && stalled <= kMaxIntervalMs) interval.stalled_ms = stalled;
    known.stalled_since_ms = 0;
  }
  known.state = state;
  known.time_ms = report.time_ms;
  known.position_ms = report.position_ms;
  known.rate = report.rate;
  return interval;
}

size_t CmcdSessions::size() const {
  const std::lock_guard lock(mutex_);
  return by_key_.size();
}

}  // namespace vora::analytics
