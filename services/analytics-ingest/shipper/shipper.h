#pragma once

// Moves sealed segments into ClickHouse, each exactly once. After a failure or a crash that leaves an insert in doubt, the segment's batch
// is looked for in playback_events before anything is inserted again (docs/adr); on servers that know insert deduplication tokens the batch
// id is one besides.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "libs/clickhouse/client.h"
#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "services/analytics-ingest/spool/spool.h"

namespace vora::analytics {

struct ShipperOptions {
  int64_t retention_days = 400;  // VORA_ANALYTICS_RETENTION_DAYS; older days are dropped
  std::chrono::milliseconds backoff_min{200}, backoff_max{10'000};
  std::chrono::milliseconds insert_timeout{60'000};
  // By ClickHouse's clock: an insert that it has not begun by then is refused by the table, so that after a lost connection there is a
  // moment from which on the answer to "is the batch there?" stays true.
  std::chrono::seconds begin_within{15};
  void Declare(SettingsSchema& schema);
};

// One thread. Migrates the schema first, and keeps trying while ClickHouse is away.
class Shipper {
 public:
  Shipper(Spool& spool, clickhouse::Client& client, ShipperOptions options, obs::Metrics& metrics);
  ~Shipper();
  void Start();
  // Tries to empty the spool within `budget`, then stops. What is left is shipped after the next start.
  void Stop(std::chrono::milliseconds budget);
  // Waits until everything that was confirmed before the call is in ClickHouse.
  Status Flush(std::chrono::milliseconds budget);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct Erased {
  int64_t sessions = 0, events = 0;
};
// Deletes the sessions and events of a viewer known by any of these hashes, and waits until ClickHouse has done so. Idempotent.
StatusOr<Erased> EraseViewer(clickhouse::Client& client, const std::string& tenant, const std::vector<std::string>& viewer_hashes);

}  // namespace vora::analytics
