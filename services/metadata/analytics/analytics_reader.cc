#include "services/metadata/analytics/analytics_reader.h"

#include <algorithm>

#include "libs/clickhouse/exception.h"
#include "libs/log/log.h"

namespace vora::metadata {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// ClickHouse's error codes. The tables come with the first start of analytics-ingest: until then nobody has watched anything.
constexpr int kUnknownTable = 60, kUnknownDatabase = 81;
constexpr int kTooManyRows = 158, kTimeoutExceeded = 159, kTooSlow = 160, kMemoryLimit = 241, kTooManyRowsOrBytes = 396;
constexpr int kUnknownUser = 192, kWrongPassword = 193, kRequiredPassword = 194, kAuthenticationFailed = 516;

bool IsOneOf(int code, std::initializer_list<int> codes) { return std::find(codes.begin(), codes.end(), code) != codes.end(); }

std::string TimeoutText(milliseconds time) {
  const int64_t tenths = (time.count() + 50) / 100;
  return std::to_string(tenths / 10) + (tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10)) + " s";
}

std::string Why(const Status& status, milliseconds timeout) {
  const int code = clickhouse::ExceptionCode(Message(status)).value_or(0);
  if (IsOneOf(code, {kUnknownUser, kWrongPassword, kRequiredPassword, kAuthenticationFailed})) {
    return "ClickHouse refuses the user or the password";
  }
  if (IsOneOf(code, {kTooManyRows, kMemoryLimit, kTooManyRowsOrBytes})) return "too much was asked for; try a shorter range";
  if (IsOneOf(code, {kTimeoutExceeded, kTooSlow}) || status.code() == StatusCode::kDeadlineExceeded) {
    return "ClickHouse did not answer within " + TimeoutText(timeout);
  }
  if (code != 0) return "ClickHouse answers with an error";
  return "ClickHouse cannot be reached";
}

}  // namespace

Status AnalyticsAway(std::string_view why) {
  return Unavailable("analytics are not available right now: " + std::string(why) + "; playback and collecting go on");
}

AnalyticsReader::AnalyticsReader(clickhouse::Options options, ReaderLimits limits)
    : limits_(limits),
      timeout_(options.timeout),
      client_(options.url.empty() ? nullptr : std::make_unique<clickhouse::Client>(std::move(options))) {}

AnalyticsReader::~AnalyticsReader() = default;

void AnalyticsReader::Interrupt() {
  if (client_) client_->Interrupt(true);
}

StatusOr<AnalyticsReader::Turn> AnalyticsReader::Begin() {
  if (!client_) return Unavailable("analytics are not configured: the operator sets VORA_CLICKHOUSE_URL");
  std::unique_lock lock(mutex_);
  if (running_ >= limits_.at_once) {
    if (waiting_ >= limits_.waiting) return AnalyticsAway("too many requests at once");
    ++waiting_;
    const bool free = left_.wait_for(lock, limits_.wait, [this] { return running_ < limits_.at_once; });
    --waiting_;
    if (!free) return AnalyticsAway("too many requests at once");
  }
  ++running_;
  // One limit for the whole request, however many statements it has.
  return Turn(this, steady_clock::now() + timeout_);
}

void AnalyticsReader::Leave() {
  {
    const std::lock_guard lock(mutex_);
    --running_;
  }
  left_.notify_one();
}

AnalyticsReader::Turn::~Turn() {
  if (reader_ != nullptr) reader_->Leave();
}

StatusOr<std::vector<AnalyticsRow>> AnalyticsReader::Turn::Read(const std::string& sql, size_t columns) {
  VORA_ASSIGN_OR_RETURN(const std::string answer, Ask(sql));
  return ParseRows(answer, columns);
}

StatusOr<RowsWithTotals> AnalyticsReader::Turn::ReadWithTotals(const std::string& sql, size_t columns) {
  VORA_ASSIGN_OR_RETURN(const std::string answer, Ask(sql));
  return ParseRowsWithTotals(answer, columns);
}

// Nothing where the tables do not exist.
StatusOr<std::string> AnalyticsReader::Turn::Ask(const std::string& sql) {
  const milliseconds timeout = reader_->timeout_;
  const auto left = std::chrono::duration_cast<milliseconds>(deadline_ - steady_clock::now());
  if (left <= milliseconds(0)) return AnalyticsAway("ClickHouse did not answer within " + TimeoutText(timeout));
  // The server stops by itself what nobody waits for any more.
  const int64_t seconds = std::max<int64_t>(1, (left.count() + 999) / 1000);
  // ClickHouse counts whole seconds here, and takes 0 for no limit.
  const clickhouse::QuerySettings settings = {{"max_execution_time", std::to_string(seconds)},
                                              {"max_result_rows", "100000"},
                                              {"result_overflow_mode", "throw"},
                                              // Else an error in the middle of the rows would come inside an answer that began with 200.
                                              {"wait_end_of_query", "1"}};
  auto answer = reader_->client_->Query(sql, settings, left);
  if (answer.ok()) return answer;
  const int code = clickhouse::ExceptionCode(Message(answer.status())).value_or(0);
  if (IsOneOf(code, {kUnknownTable, kUnknownDatabase})) return std::string();
  log::Warn("an analytics query failed", {{"reason", ToText(answer.status())}});
  return AnalyticsAway(Why(answer.status(), timeout));
}

}  // namespace vora::metadata
