#pragma once

// The schema in ClickHouse, built in from migrations/*.sql.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vora::analytics {

struct SchemaMigration {
  int version;  // from 1, without gaps
  std::string name;
  std::string sql;  // statements that may be run again, each ended by `;`
};
const std::vector<SchemaMigration>& Migrations();

// What the view that fills playback_sessions selects, as the newest migration has it: the one text for the view and for SessionsOfBatch.
std::string ViewSelect(const std::vector<SchemaMigration>& migrations = Migrations());
// Does for the rows of one batch what the view did or should have done. Repeating it changes no figure.
std::string SessionsOfBatch(std::string_view batch, int32_t day);

}  // namespace vora::analytics
