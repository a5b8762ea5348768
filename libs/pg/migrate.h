#pragma once

// Schema migrations: NNNN_name.sql files built into the binary, applied in order, each in its transaction, under an advisory lock, so that
// many replicas may start at once. Applied ones are kept with their checksum: an edited old migration is an error.

#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/pg/database.h"

namespace vora::pg {

struct Migration {
  int version;  // from 1, without gaps
  std::string name;
  std::string sql;
};

// `component` (e.g. "metadata") names the row set in table vora_migrations, so that two daemons can share a database.
Status Migrate(Database& db, const std::string& component, const std::vector<Migration>& migrations);

}  // namespace vora::pg
