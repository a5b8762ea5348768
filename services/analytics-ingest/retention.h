#pragma once

// Drops what is older than the retention time: whole days, which are partitions, on every version of ClickHouse (18.16 has no TTL).

#include <cstdint>

#include "libs/clickhouse/client.h"
#include "libs/core/status.h"

namespace vora::analytics {

// Drops the days before `first_day` (days since 1970) from both tables; how many partitions went. Idempotent.
StatusOr<int> DropDaysBefore(clickhouse::Client& client, int32_t first_day);

}  // namespace vora::analytics
