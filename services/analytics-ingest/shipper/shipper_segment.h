#pragma once

// One segment's way into ClickHouse, exactly once (docs/adr/0006-analytics-exactly-once.md). One thread.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "libs/clickhouse/client.h"
#include "libs/core/status.h"
#include "services/analytics-ingest/shipper/shipper.h"
#include "services/analytics-ingest/spool/spool.h"

namespace vora::analytics {

// A taken segment, and what is known of earlier tries.
struct Shipment {
  explicit Shipment(SealedSegment taken) : segment(std::move(taken)), ask(segment.in_doubt), unknown_try(segment.in_doubt) {}

  SealedSegment segment;
  bool ask;            // look for the batch before inserting it
  bool unknown_try;    // a try may exist of which `not_after` says nothing yet
  bool again = false;  // an earlier try may have left its token behind, though no row
  std::string token;   // the insert's, if it is not the batch id
  // By the server's clock, in Unix seconds: when the last try that may still come to life was made, and until when it may begin. 0: none.
  int64_t began = 0, not_after = 0;
  int tries = 0, answered = 0;  // inserts, and those that ClickHouse answered with an error
  int refusals = 0;
  int64_t first_ms = 0;      // server_ms of the first row, once read
  int64_t shipped_then = 0;  // for the shipper: how many it had shipped when this one was refused first
};

enum class ShipResult {
  kShipped,      // inserted now, released
  kRecovered,    // found inserted, view completed, released
  kQuarantined,  // cannot be shipped
  kWait,         // an earlier try may still happen: come again in a second
};

class SegmentShipper {
 public:
  SegmentShipper(Spool& spool, clickhouse::Client& client, const ShipperOptions& options)
      : spool_(spool), client_(client), options_(options) {}

  // One try, of at most `timeout` for the insert. An error: nothing is known to be lost or done twice; try again with the same shipment.
  StatusOr<ShipResult> Try(Shipment& shipment, std::chrono::milliseconds timeout);

 private:
  struct ServerTime {
    int64_t now = 0, boot = 0;  // Unix seconds by the server's clock
  };
  enum class Found { kNothing, kAll, kErased, kTooMany, kNotYetClear };

  StatusOr<ServerTime> AskTime();
  // Estimated from the last answer; asks once a minute.
  StatusOr<int64_t> ServerNow();
  StatusOr<int64_t> Number(const std::string& sql);
  StatusOr<int64_t> RowsThere(const SealedSegment& segment);
  Status EndEarlierTries(const Shipment& shipment);
  StatusOr<Found> Look(Shipment& shipment);
  StatusOr<ShipResult> Finish(Shipment& shipment, Found found);
  StatusOr<ShipResult> Quarantine(const Shipment& shipment, std::string_view reason);
  StatusOr<std::string> Rows(Shipment& shipment, int64_t not_after);
  StatusOr<clickhouse::QuerySettings> InsertSettings(const Shipment& shipment);
  Status Insert(Shipment& shipment, const std::string& rows, std::chrono::milliseconds timeout);
  Status CheckNotSkipped(Shipment& shipment);

  Spool& spool_;
  clickhouse::Client& client_;
  const ShipperOptions options_;
  std::optional<std::pair<std::chrono::steady_clock::time_point, int64_t>> server_time_;
};

}  // namespace vora::analytics
