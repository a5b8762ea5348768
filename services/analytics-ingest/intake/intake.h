#pragma once

// What every way in has in common: the server's time, the way into the spool, the counts.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "services/analytics-ingest/events/cmcd_sessions.h"
#include "services/analytics-ingest/formats/batch.h"
#include "services/analytics-ingest/spool/spool.h"

namespace vora::analytics {

// Why something was not taken in, for the metric vora_events_rejected_total{reason}.
enum class Refusal { kInvalid, kMalformed, kTooLarge, kRateLimit, kOverload, kSpool };

// Thread-safe.
class Intake {
 public:
  // All must outlive it.
  Intake(Spool& spool, const ViewerHasher& viewers, const Clock& clock, obs::Metrics& metrics);

  // Unix milliseconds. A clock that goes back by up to 10 s stands still instead; one that goes back by more is believed.
  int64_t NowMs();
  Batch NewBatch(EventSource source, std::string client_net);
  // OK while events are taken: the spool can write, and Close was not called.
  Status Health();
  // `done` is called once, possibly before Submit returns: OK when the batch's rows are durable, or there are none. Else none is to be
  // relied on: UNAVAILABLE (the disk, or Close was called), RESOURCE_EXHAUSTED (too much is pending).
  void Submit(Batch& batch, EventSource source, std::function<void(Status)> done);
  void CountRejected(Refusal reason, int64_t events);
  // From now on nothing is taken in.
  void Close() { closed_ = true; }

  CmcdSessions& cmcd_sessions() { return cmcd_sessions_; }
  const ViewerHasher& viewers() const { return viewers_; }

 private:
  Spool& spool_;
  const ViewerHasher& viewers_;
  const Clock& clock_;
  CmcdSessions cmcd_sessions_;
  std::atomic<int64_t> last_ms_{0};
  std::atomic<bool> closed_{false};
  std::map<EventSource, obs::Counter*> accepted_;
  std::map<Refusal, obs::Counter*> rejected_;
};

}  // namespace vora::analytics
