#include <algorithm>

#include "libs/clickhouse/exception.h"
#include "libs/core/clock.h"
#include "libs/log/log.h"
#include "libs/run/retry.h"
#include "services/analytics-ingest/events/event.h"
#include "services/analytics-ingest/metrics.h"
#include "services/analytics-ingest/shipper/migrate.h"
#include "services/analytics-ingest/shipper/retention.h"
#include "services/analytics-ingest/shipper/shipper_loop_internal.h"

namespace vora::analytics {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kIdleWait{100};
// An insert makes a part, and ClickHouse has to merge them: after a long absence many small segments may wait.
constexpr milliseconds kBetweenInserts{50};
constexpr std::chrono::hours kBetweenRetentions{1};
constexpr std::chrono::minutes kBetweenComplaints{1};
constexpr std::chrono::seconds kShipmentPollInterval{1};
constexpr size_t kMaxWaiting = 64;
constexpr int kRefusalsUntilQuarantine = 5;
constexpr int kAnswersUntilAside = 3;

int64_t NowMs() { return ToUnixMs(Clock::Real().Now()); }

}  // namespace

Shipper::Impl::Impl(Spool& spool_in, clickhouse::Client& client_in, ShipperOptions options_in, obs::Metrics& metrics)
    : spool(spool_in),
      client(client_in),
      options(options_in),
      segments(spool_in, client_in, options_in),
      rows_total(kShipRows.In(metrics)),
      result_shipped(kShipBatches.In(metrics, {"shipped"})),
      result_recovered(kShipBatches.In(metrics, {"recovered"})),
      result_quarantined(kShipBatches.In(metrics, {"quarantined"})),
      result_failed(kShipBatches.In(metrics, {"failed"})),
      seconds(kShipSeconds.In(metrics)),
      lag(kShipLag.In(metrics)),
      up(kClickHouseUp.In(metrics)) {}

bool Shipper::Impl::Ending() {
  std::lock_guard lock(mutex);
  return end_by && steady_clock::now() >= *end_by;
}

void Shipper::Impl::WaitUntil(Time until) {
  std::unique_lock lock(mutex);
  // Somebody who is about to end does not wait for better times.
  changed.wait_until(lock, until, [&] { return end_by.has_value(); });
}

milliseconds Shipper::Impl::InsertTimeout() {
  std::lock_guard lock(mutex);
  if (!end_by) return options.insert_timeout;
  const auto left = std::chrono::duration_cast<milliseconds>(*end_by - steady_clock::now());
  return std::clamp(left, milliseconds(1), options.insert_timeout);
}

// `first_ms` 0: not known. While nothing can be shipped it is at least as long as that lasts.
void Shipper::Impl::NoteLag(int64_t first_ms) {
  double age = first_ms > 0 ? static_cast<double>(std::max<int64_t>(0, NowMs() - first_ms)) / 1000 : 0;
  if (failures > 0) age = std::max(age, std::chrono::duration<double>(steady_clock::now() - failing_since).count());
  if (age > 0) lag.Set(age);
}

void Shipper::Impl::Trouble(const Status& why) {
  if (++failures == 1) failing_since = steady_clock::now();
  NoteLag(0);
  up.Set(0);
  result_failed.Increment();
  if (steady_clock::now() >= next_complaint) {
    next_complaint = steady_clock::now() + kBetweenComplaints;
    log::Warn("events wait in the spool: ClickHouse does not take them", {{"error", ToText(why)}, {"failures", failures}});
  }
  // Tables that are gone are made anew.
  if (clickhouse::SchemaIsMissing(why)) prepared = false;
  bool ending = false;
  {
    std::lock_guard lock(mutex);
    last_trouble = why;
    ending = end_by.has_value();
    if (ending) end_by = steady_clock::now();  // it will not get better in time
  }
  const RetryOptions backoff{.max_attempts = 0, .initial = options.backoff_min, .max = options.backoff_max, .multiplier = 2.0};
  if (!ending) WaitUntil(steady_clock::now() + BackoffDelay(backoff, std::min(failures, 20), why));
}

bool Shipper::Impl::Prepare() {
  if (prepared) return true;
  const Status migrated = Migrate(client);
  if (!migrated.ok()) {
    Trouble(migrated);
    return false;
  }
  prepared = true;
  failures = 0;
  up.Set(1);
  return true;
}

void Shipper::Impl::Retain() {
  if (steady_clock::now() < next_retention) return;
  next_retention = steady_clock::now() + kBetweenRetentions;
  const auto dropped = DropOldDays(client, DayOf(NowMs()), options.retention_days);
  if (!dropped.ok()) {
    log::Warn("old analytics could not be dropped; tried again in an hour", {{"error", ToText(dropped.status())}});
  } else if (*dropped > 0) {
    log::Info("old analytics dropped", {{"partitions", *dropped}, {"retention_days", options.retention_days}});
  }
}

// Takes all there is, so that what was confirmed before the flush is known by its numbers.
void Shipper::Impl::TakeForFlush() {
  int64_t asked = 0;
  {
    // All that asked before this look are served by it.
    std::lock_guard lock(mutex);
    if (flush_asked == flush_seen) return;
    asked = flush_seen = flush_asked;
  }
  while (auto segment = spool.Claim(milliseconds(0))) {
    taken.insert(segment->number);
    queue.emplace_back(std::move(*segment));
  }
  // Numbers of segments only grow, so one number says what was there.
  flushes.push_back({asked, taken.empty() ? 0 : *taken.rbegin()});
}

// When nobody waits any more: what was taken ahead goes back, so that the spool may drop its oldest while ClickHouse stays away.
void Shipper::Impl::ForgetFlushes() {
  if (flushes.empty()) return;
  {
    std::lock_guard lock(mutex);
    if (flush_waiters > 0) return;
  }
  flushes.clear();
  for (const Shipment& shipment : queue) {
    if (shipment.tries > 0) continue;
    spool.Nack(shipment.segment);
    taken.erase(shipment.segment.number);
  }
  std::erase_if(queue, [](const Shipment& shipment) { return shipment.tries == 0; });
}

void Shipper::Impl::AnswerFlushes() {
  // The smallest number that is still taken decides: everything below is in ClickHouse or set aside.
  while (!flushes.empty() && (taken.empty() || *taken.begin() > flushes.front().up_to)) {
    {
      std::lock_guard lock(mutex);
      flush_done = flushes.front().ticket;
    }
    flushes.erase(flushes.begin());
    changed.notify_all();
  }
}

std::optional<Shipment> Shipper::Impl::Next() {
  const auto now = steady_clock::now();
  const auto ready = std::find_if(waiting.begin(), waiting.end(), [&](const Waiting& w) { return w.since <= now; });
  // By turns: several that fail every time must not be all that is tried.
  tried_waiting = !tried_waiting && ready != waiting.end();
  if (tried_waiting) {
    Shipment shipment = std::move(ready->shipment);
    waiting.erase(ready);
    return shipment;
  }
  if (!queue.empty()) {
    Shipment shipment = std::move(queue.front());
    queue.pop_front();
    return shipment;
  }
  // Their files cannot be dropped by the spool while they are taken.
  if (waiting.size() >= kMaxWaiting) {
    WaitUntil(now + kIdleWait);
    return std::nullopt;
  }
  auto segment = spool.Claim(kIdleWait);
  if (!segment) return std::nullopt;
  taken.insert(segment->number);
  return Shipment(std::move(*segment));
}

void Shipper::Impl::Done(const Shipment& shipment, ShipResult result) {
  taken.erase(shipment.segment.number);
  failures = 0;
  up.Set(1);
  {
    std::lock_guard lock(mutex);
    last_trouble = {};
  }
  (result == ShipResult::kShipped ? result_shipped : result == ShipResult::kRecovered ? result_recovered : result_quarantined).Increment();
  if (result == ShipResult::kQuarantined) return;
  ++shipped;
  rows_total.Increment(static_cast<double>(shipment.segment.rows));
  if (result == ShipResult::kRecovered) {
    log::Info("batch found in ClickHouse after an insert without an answer",
              {{"batch", shipment.segment.batch}, {"rows", shipment.segment.rows}});
  }
}

// ClickHouse is there and says no. If it takes others, this one waits aside; if it never takes it, people have to look.
void Shipper::Impl::Refused(Shipment shipment, const Status& why) {
  // Counted from here: whether others pass is a question of what happens after it.
  if (shipment.refusals++ == 0) shipment.shipped_then = shipped;
  const bool others_pass = shipped > shipment.shipped_then;
  if (why.code() == StatusCode::kInvalidArgument && others_pass && shipment.refusals > kRefusalsUntilQuarantine) {
    log::Error("spool segment quarantined", {{"batch", shipment.segment.batch}, {"rows", shipment.segment.rows}, {"reason", ToText(why)}});
    if (spool.Quarantine(shipment.segment, ToText(why)).ok()) return Done(shipment, ShipResult::kQuarantined);
  }
  waiting.push_back({std::move(shipment), steady_clock::now() + options.backoff_max});
  Trouble(why);
}

void Shipper::Impl::Ship(Shipment shipment) {
  WaitUntil(next_insert);
  const auto begin = steady_clock::now();
  next_insert = begin + kBetweenInserts;
  const auto result = segments.Try(shipment, InsertTimeout());
  seconds.Observe(std::chrono::duration<double>(steady_clock::now() - begin).count());
  NoteLag(shipment.first_ms);
  if (!result.ok()) {
    if (!IsTransient(result.status())) return Refused(std::move(shipment), result.status());
    // One that ClickHouse cannot take for a reason of its own does not hold up the others for ever.
    if (shipment.answered >= kAnswersUntilAside) {
      waiting.push_back({std::move(shipment), steady_clock::now() + options.backoff_max});
    } else {
      // To the front, since rows are shipped in the order in which they came.
      queue.push_front(std::move(shipment));
    }
    return Trouble(result.status());
  }
  if (*result == ShipResult::kWait) {
    waiting.push_back({std::move(shipment), steady_clock::now() + kShipmentPollInterval});
    return;
  }
  Done(shipment, *result);
}

void Shipper::Impl::NackAll() {
  // Given back as they are: what was tried is marked in doubt on the disk, and looked for by whoever comes next.
  for (const Shipment& shipment : queue) spool.Nack(shipment.segment);
  for (const Waiting& each : waiting) spool.Nack(each.shipment.segment);
  queue.clear();
  waiting.clear();
  taken.clear();
}

void Shipper::Impl::Run() {
  while (!Ending()) {
    if (!Prepare()) continue;
    Retain();
    TakeForFlush();
    ForgetFlushes();
    if (auto shipment = Next()) {
      Ship(std::move(*shipment));
    } else if (waiting.empty()) {
      lag.Set(0);
      std::lock_guard lock(mutex);
      if (end_by) break;
    }
    AnswerFlushes();
  }
  NackAll();
  {
    std::lock_guard lock(mutex);
    ended = true;
  }
  changed.notify_all();
}

}  // namespace vora::analytics
