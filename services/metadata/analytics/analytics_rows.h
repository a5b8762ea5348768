#pragma once

// Rows of ClickHouse's FORMAT TSV (https://clickhouse.com/docs/interfaces/formats/TabSeparated), read strictly. Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace vora::metadata {

using AnalyticsRow = std::vector<std::string>;

// INTERNAL: a row has not `columns` fields, an unknown escape, or the last line has no end.
StatusOr<std::vector<AnalyticsRow>> ParseRows(std::string_view text, size_t columns);

// Of a query WITH TOTALS: `totals` comes last, after an empty line. No rows: none.
struct RowsWithTotals {
  std::vector<AnalyticsRow> rows;
  AnalyticsRow totals;
};
StatusOr<RowsWithTotals> ParseRowsWithTotals(std::string_view text, size_t columns);

// Reads a row's fields one after the other; a mistake is kept for `status`, and gives 0 or "".
class FieldReader {
 public:
  explicit FieldReader(const AnalyticsRow& row) : row_(row) {}
  int64_t Int();
  double Real();  // not a number (of nothing): 0
  double Seconds() { return Real() / 1000; }
  std::string Text();
  // INTERNAL naming the first field that was not what was asked for, or that was not asked for.
  Status Finish() const;

 private:
  const std::string& Next();
  void Fail(std::string_view wanted);
  const AnalyticsRow& row_;
  size_t next_ = 0;
  Status status_;
};

}  // namespace vora::metadata
