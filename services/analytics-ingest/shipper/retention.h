#pragma once

// Drops what is older than the retention time: whole days, which are partitions, on every version of ClickHouse (18.16 has no TTL).

#include <cstdint>

#include "libs/clickhouse/client.h"
#include "libs/core/status.h"

namespace vora::analytics {

// Drops the days that lie more than `retention_days` before `today` (days since 1970) from both tables; how many partitions went.
// Idempotent. ClickHouse's own clock must agree: one replica whose clock runs ahead must not take years away.
StatusOr<int> DropOldDays(clickhouse::Client& client, int32_t today, int64_t retention_days);

}  // namespace vora::analytics
