#pragma once

// The shipper's thread: takes segments, ships one after the other, and waits out whatever is in the way.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "services/analytics-ingest/shipper/shipper.h"
#include "services/analytics-ingest/shipper/shipper_segment.h"

namespace vora::analytics {

struct Shipper::Impl {
  using Time = std::chrono::steady_clock::time_point;

  Impl(Spool& spool, clickhouse::Client& client, ShipperOptions options, obs::Metrics& metrics);

  // A shipment with the moment from which on it is worth another try.
  struct Waiting {
    Shipment shipment;
    Time since;
  };

  void Run();
  bool Prepare();
  void Retain();
  void TakeForFlush();
  std::optional<Shipment> Next();
  void Ship(Shipment shipment);
  void Refused(Shipment shipment, const Status& why);
  void Trouble(const Status& why);
  void Done(const Shipment& shipment, ShipResult result);
  void AnswerFlushes();
  void ForgetFlushes();
  void NoteLag(int64_t first_ms);
  void NackAll();
  void WaitUntil(Time until);
  bool Ending();
  std::chrono::milliseconds InsertTimeout();

  Spool& spool;
  clickhouse::Client& client;
  const ShipperOptions options;
  SegmentShipper segments;

  // Of the thread only.
  std::deque<Shipment> queue;    // to be shipped at once, in order
  std::vector<Waiting> waiting;  // to be shipped later
  std::set<uint64_t> taken;      // numbers of all of these and of the one in hand
  bool prepared = false;
  bool tried_waiting = false;  // the last was one of `waiting`
  int failures = 0;            // in a row
  int64_t shipped = 0;         // segments, ever
  Time next_insert, next_retention, next_complaint, failing_since;

  struct FlushMark {
    int64_t ticket;
    uint64_t up_to;
  };
  std::vector<FlushMark> flushes;

  std::mutex mutex;
  std::condition_variable changed;
  int64_t flush_asked = 0, flush_seen = 0, flush_done = 0;
  int flush_waiters = 0;
  std::optional<Time> end_by;
  bool ended = false;
  Status last_trouble;

  obs::Counter &rows_total, &result_shipped, &result_recovered, &result_quarantined, &result_failed;
  obs::Histogram& seconds;
  obs::Gauge &lag, &up;
  std::thread thread;  // last: ends before the rest
};

}  // namespace vora::analytics
