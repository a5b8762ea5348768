#pragma once

// Brings the schema in ClickHouse up to date.

#include <string>
#include <string_view>
#include <vector>

#include "libs/clickhouse/client.h"
#include "libs/core/status.h"

namespace vora::analytics {

// Creates the database and applies what is missing of Migrations(); on servers that know them it also turns on fsync per insert and
// deduplication by token. Idempotent; several replicas may do so at once. A schema newer than this binary's is left as it is.
Status Migrate(clickhouse::Client& client);

// The statements of `sql`, without comments. `;` and `--` inside of literals do not count.
std::vector<std::string> SplitStatements(std::string_view sql);

}  // namespace vora::analytics
