#pragma once

// Every metric of the analytics daemon, beside those of the libraries it uses.

#include "libs/obs/family.h"

namespace vora::analytics {

inline obs::FamilySet kMetrics{"services/analytics-ingest"};

inline const obs::CounterFamily kAccepted{
    kMetrics, "vora_events_accepted_total", "Events that are in the spool: json, cmcd, grpc, gateway.", {"source"}};
inline const obs::CounterFamily kRejected{
    kMetrics,
    "vora_events_rejected_total",
    "Events, or whole requests of unknown content, not taken in: invalid, malformed, too_large, rate_limit, overload, spool.",
    {"reason"}};
inline const obs::GaugeFamily kBytesInFlight{kMetrics, "vora_ingest_bytes_in_flight", "Bodies being read or waiting for the disk."};

inline const obs::GaugeFamily kSpoolRows{kMetrics, "vora_spool_rows", "Rows in the spool."};
inline const obs::GaugeFamily kSpoolBytes{kMetrics, "vora_spool_bytes", "Bytes in the spool."};
inline const obs::GaugeFamily kSpoolLimit{kMetrics, "vora_spool_limit_bytes",
                                          "Bytes that the spool may have (VORA_SPOOL_MAX_BYTES); beyond it the oldest rows are dropped."};
inline const obs::GaugeFamily kSpoolSegments{kMetrics, "vora_spool_segments", "Segments in the spool."};
inline const obs::GaugeFamily kSpoolOldestAge{kMetrics, "vora_spool_oldest_age_seconds",
                                              "Age of the oldest segment that waits to be shipped; 0 without one."};
inline const obs::GaugeFamily kSpoolFree{kMetrics, "vora_spool_free_disk_bytes", "Free bytes of the file system that holds the spool."};
inline const obs::GaugeFamily kSpoolHealthy{kMetrics, "vora_spool_healthy", "1 while the disk takes events, else 0."};
inline const obs::CounterFamily kSpoolAppended{kMetrics, "vora_spool_appended_rows_total", "Rows that were confirmed."};
inline const obs::CounterFamily kSpoolDropped{kMetrics,
                                              "vora_spool_dropped_rows_total",
                                              "Rows that were dropped before they were shipped, by the limit they met: size, age.",
                                              {"reason"}};
inline const obs::CounterFamily kSpoolDamaged{kMetrics, "vora_spool_damaged_segments_total", "Segments that were quarantined."};
inline const obs::HistogramFamily kSpoolSync{kMetrics, "vora_spool_fsync_seconds", "Duration of fdatasync."};

inline const obs::CounterFamily kShipRows{kMetrics, "vora_ship_rows_total", "Rows known to be in ClickHouse."};
inline const obs::CounterFamily kShipBatches{
    kMetrics, "vora_ship_batches_total", "Tries to ship a segment of the spool: shipped, recovered, quarantined, failed.", {"result"}};
inline const obs::HistogramFamily kShipSeconds{kMetrics, "vora_ship_seconds", "Time to ship a segment."};
inline const obs::GaugeFamily kShipLag{kMetrics, "vora_ship_lag_seconds",
                                       "Age of the rows being shipped, or how long nothing could be; 0 when all is shipped."};
inline const obs::GaugeFamily kClickHouseUp{kMetrics, "vora_clickhouse_up", "1 while ClickHouse takes what it is sent."};

}  // namespace vora::analytics
