#pragma once

// Every metric of the PostgreSQL access.

#include "libs/obs/family.h"

namespace vora::pg {

inline obs::FamilySet kMetrics{"libs/pg"};

inline const obs::CounterFamily kTransactions{
    kMetrics, "vora_pg_transactions_total", "PostgreSQL transactions, by result; retried ones were repeated and count again.", {"result"}};
inline const obs::GaugeFamily kPoolInUse{kMetrics, "vora_pg_pool_in_use", "PostgreSQL connections in use."};
inline const obs::GaugeFamily kPoolSize{kMetrics, "vora_pg_pool_size", "The most PostgreSQL connections that may be open."};
inline const obs::HistogramFamily kPoolWait{kMetrics, "vora_pg_pool_wait_seconds",
                                            "Time until a PostgreSQL connection was to be had, or was given up."};
inline const obs::CounterFamily kPoolTimeouts{kMetrics, "vora_pg_pool_timeouts_total",
                                              "Times that no PostgreSQL connection became free in time."};

}  // namespace vora::pg
