#pragma once

// Tells the orchestrator what the outbox holds: at least once, in order per video, for ever until it is taken. Any number of
// replicas may relay side by side.

#include <chrono>

#include "libs/core/status.h"
#include "libs/run/periodic.h"
#include "services/metadata/processing/orchestrator_client.h"
#include "services/metadata/processing/outbox_repo.h"

namespace vora::metadata {

struct OutboxRelayOptions {
  std::chrono::milliseconds poll{1000};          // without a wake-up
  std::chrono::milliseconds lease{15000};        // longer than the calls of one row
  std::chrono::milliseconds drain_limit{60000};  // how long a delete waits for the cancelled workflow to end before it is terminated
};

class OutboxRelay {
 public:
  OutboxRelay(OutboxRepo& outbox, OrchestratorClient& orchestrator, OutboxRelayOptions options = {});
  void Start() { thread_.Start(); }
  void Wake() { thread_.Wake(); }
  void Stop() { thread_.Stop(); }

 private:
  std::chrono::milliseconds Step();
  // Sends one row and notes the outcome.
  Status Send(const OutboxRow& row);
  Status SendStart(const OutboxRow& row);
  Status SendCancel(const OutboxRow& row);
  Status EndParked(const std::string& workflow_id);
  Status SendDelete(const OutboxRow& row);
  // Due again after `delay`, and the loop wakes for it.
  Status Postpone(const OutboxRow& row, std::chrono::milliseconds delay, const std::string& why);

  OutboxRepo& outbox_;
  OrchestratorClient& orchestrator_;
  const OutboxRelayOptions options_;
  std::chrono::steady_clock::time_point next_due_ = std::chrono::steady_clock::time_point::max();  // of the loop's thread
  Periodic thread_;
};

}  // namespace vora::metadata
