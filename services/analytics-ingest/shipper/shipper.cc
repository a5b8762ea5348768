#include "services/analytics-ingest/shipper/shipper.h"

#include <algorithm>

#include "services/analytics-ingest/shipper/shipper_loop_internal.h"

namespace vora::analytics {

void ShipperOptions::Declare(SettingsSchema& schema) {
  schema.Add("VORA_ANALYTICS_RETENTION_DAYS", &retention_days, "Events and sessions of older days are dropped.", {.min = 1, .max = 36500});
}

Shipper::Shipper(Spool& spool, clickhouse::Client& client, ShipperOptions options, obs::Metrics& metrics)
    : impl_(std::make_unique<Impl>(spool, client, options, metrics)) {}

Shipper::~Shipper() { Stop(std::chrono::milliseconds(0)); }

void Shipper::Start() {
  impl_->thread = std::thread([impl = impl_.get()] { impl->Run(); });
}

void Shipper::Stop(std::chrono::milliseconds budget) {
  if (!impl_->thread.joinable()) return;
  // First of all, so that the thread finds the last rows as a segment.
  impl_->spool.SealNow();
  const auto until = std::chrono::steady_clock::now() + budget;
  {
    std::unique_lock lock(impl_->mutex);
    impl_->end_by = until;
    impl_->changed.notify_all();
    // An insert under way is broken off: its segment is in doubt, and the next start looks for it.
    if (!impl_->changed.wait_until(lock, until, [&] { return impl_->ended; })) impl_->client.Interrupt(true);
  }
  impl_->thread.join();
  impl_->client.Interrupt(false);
}

Status Shipper::Flush(std::chrono::milliseconds budget) {
  impl_->spool.SealNow();
  std::unique_lock lock(impl_->mutex);
  // Tickets grow: whoever waits for one is also served by a later flush.
  const int64_t ticket = ++impl_->flush_asked;
  ++impl_->flush_waiters;
  impl_->changed.notify_all();
  const bool done = impl_->changed.wait_for(lock, budget, [&] { return impl_->flush_done >= ticket; });
  --impl_->flush_waiters;
  if (done) return {};
  if (!impl_->last_trouble.ok()) return Unavailable("events are still waiting for ClickHouse: " + Message(impl_->last_trouble));
  return DeadlineExceeded("events are still waiting for ClickHouse");
}

}  // namespace vora::analytics
