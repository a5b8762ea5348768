#include "services/metadata/analytics/analytics_rows.h"

#include <charconv>
#include <cmath>

namespace vora::metadata {
namespace {

// The character that `\c` stands for; '\1': none.
char Unescaped(char c) {
  switch (c) {
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case '0':
      return '\0';
    case '\\':
    case '\'':
      return c;
    default:
      return '\1';
  }
}

}  // namespace

StatusOr<std::vector<AnalyticsRow>> ParseRows(std::string_view text, size_t columns) {
  std::vector<AnalyticsRow> rows;
  AnalyticsRow row(1);
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      if (row.size() != columns) {
        return Internal("ClickHouse answered a row of " + std::to_string(row.size()) + " fields instead of " + std::to_string(columns));
      }
      rows.push_back(std::move(row));
      row.assign(1, "");
    } else if (c == '\t') {
      row.emplace_back();
    } else if (c == '\\') {
      const char meant = i + 1 < text.size() ? Unescaped(text[++i]) : '\1';
      if (meant == '\1') return Internal("ClickHouse answered an unknown escape");
      row.back() += meant;
    } else {
      row.back() += c;
    }
  }
  // A last line without an end was cut with the connection: its numbers may have lost digits and still parse.
  if (row.size() > 1 || !row[0].empty()) return Internal("the answer of ClickHouse breaks off in a row");
  return rows;
}

StatusOr<RowsWithTotals> ParseRowsWithTotals(std::string_view text, size_t columns) {
  RowsWithTotals parsed;
  if (text.empty()) return parsed;
  size_t gap = 0;
  // Without rows the answer begins with the empty line that stands before the totals.
  if (!text.starts_with('\n')) {
    gap = text.find("\n\n");
    if (gap == std::string_view::npos) return Internal("ClickHouse answered no totals");
    ++gap;
  }
  VORA_ASSIGN_OR_RETURN(parsed.rows, ParseRows(text.substr(0, gap), columns));
  if (gap + 1 == text.size()) return parsed;
  VORA_ASSIGN_OR_RETURN(auto totals, ParseRows(text.substr(gap + 1), columns));
  if (totals.size() != 1) return Internal("ClickHouse answered more than one row of totals");
  parsed.totals = std::move(totals[0]);
  return parsed;
}

const std::string& FieldReader::Next() {
  static const std::string kNothing;
  if (next_ >= row_.size()) {
    Fail("a field");
    return kNothing;
  }
  return row_[next_++];
}

void FieldReader::Fail(std::string_view wanted) {
  if (status_.ok()) status_ = Internal("field " + std::to_string(next_) + " of ClickHouse's answer is not " + std::string(wanted));
}

int64_t FieldReader::Int() {
  const std::string& text = Next();
  int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && !text.empty()) return value;
  Fail("a number");
  return 0;
}

double FieldReader::Real() {
  const std::string& text = Next();
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || text.empty()) {
    Fail("a number");
    return 0;
  }
  // The quantile of nothing is `nan`, for which JSON has no number.
  return std::isfinite(value) ? value : 0;
}

std::string FieldReader::Text() { return Next(); }

Status FieldReader::Finish() const {
  if (!status_.ok()) return status_;
  return next_ == row_.size() ? absl::OkStatus() : Internal("ClickHouse answered more fields than were asked for");
}

}  // namespace vora::metadata
