#include "libs/clickhouse/exception.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "libs/core/error.h"

namespace vora::clickhouse {
namespace {

constexpr size_t kMessageBytes = 600;

// ClickHouse's src/Common/ErrorCodes.cpp. What may pass by itself: too much to do, no room, shutting down, not set up yet.
constexpr std::array kPassing = {
    60,    // UNKNOWN_TABLE: the schema is not there yet
    74,    // CANNOT_READ_FROM_FILE_DESCRIPTOR
    75,    // CANNOT_WRITE_TO_FILE_DESCRIPTOR: also when the disk is full
    76,    // CANNOT_OPEN_FILE
    81,    // UNKNOWN_DATABASE
    164,   // READONLY
    172,   // CANNOT_CREATE_DIRECTORY
    202,   // TOO_MANY_SIMULTANEOUS_QUERIES
    203,   // NO_FREE_CONNECTION
    209,   // SOCKET_TIMEOUT
    210,   // NETWORK_ERROR
    225,   // NO_ZOOKEEPER
    236,   // ABORTED: shutting down
    241,   // MEMORY_LIMIT_EXCEEDED
    242,   // TABLE_IS_READ_ONLY
    243,   // NOT_ENOUGH_SPACE
    252,   // TOO_MANY_PARTS
    254,   // NO_ALIVE_REPLICAS
    279,   // ALL_CONNECTION_TRIES_FAILED
    285,   // TOO_FEW_LIVE_REPLICAS
    286,   // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
    319,   // UNKNOWN_STATUS_OF_INSERT
    384,   // PART_IS_TEMPORARILY_LOCKED
    394,   // QUERY_WAS_CANCELLED
    425,   // SYSTEM_ERROR
    439,   // CANNOT_SCHEDULE_TASK
    473,   // DEADLOCK_AVOIDED
    499,   // S3_ERROR
    517,   // CANNOT_ASSIGN_ALTER
    529,   // NOT_A_LEADER
    667,   // NOT_INITIALIZED
    745,   // SERVER_OVERLOADED
    999,   // KEEPER_EXCEPTION
    1000,  // POCO_EXCEPTION: sockets, files
    1001,  // STD_EXCEPTION: bad_alloc
    1002,  // UNKNOWN_EXCEPTION
};
constexpr std::array kNoSchema = {60, 81};
constexpr char kNoSchemaReason[] = "clickhouse_schema_missing";
constexpr std::array kSlow = {159, 160};  // TIMEOUT_EXCEEDED, TOO_SLOW
constexpr int kThrowIf = 395;             // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO: a guard that the caller set up has struck
// Syntax, unknown names, wrong types and values of a query's text or data.
constexpr std::array kWrong = {6, 16, 26, 27, 33, 36, 38, 41, 42, 43, 44, 46, 47, 50, 53, 57, 62, 63, 70, 72, 73, 115, 117, 184, 215, 386};

template <size_t N>
bool Has(const std::array<int, N>& codes, int code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

}  // namespace

std::optional<int> ExceptionCode(std::string_view text) {
  constexpr std::string_view kMark = "Code: ";
  const size_t at = text.find(kMark);
  if (at == std::string_view::npos) return std::nullopt;
  int code = 0;
  const char* begin = text.data() + at + kMark.size();
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), code);
  if (error != std::errc() || end == begin) return std::nullopt;
  const std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
  // `Code: ` alone may stand in the data of an answer; with what follows it is the exception of an old server, or of a new one.
  if (!rest.starts_with(", e.displayText() = ") && !rest.starts_with(". DB::")) return std::nullopt;
  return code;
}

size_t FindLateException(std::string_view answer) {
  // It is the last thing in the answer; texts longer than this are not searched.
  constexpr size_t kTail = 64 << 10;
  size_t at = answer.size() > kTail ? answer.size() - kTail : 0;
  while ((at = answer.find("Code: ", at)) != std::string_view::npos) {
    if ((at == 0 || answer[at - 1] == '\n') && ExceptionCode(answer.substr(at))) return at;
    ++at;
  }
  return at;
}

StatusCode CodeOf(int exception) {
  if (Has(kPassing, exception)) return StatusCode::kUnavailable;
  if (exception == kThrowIf) return StatusCode::kAborted;
  if (Has(kSlow, exception)) return StatusCode::kDeadlineExceeded;
  if (Has(kWrong, exception)) return StatusCode::kInvalidArgument;
  return StatusCode::kInternal;
}

bool SchemaIsMissing(const Status& status) { return DetailOf(status).reason == kNoSchemaReason; }

Status FromAnswer(int http_status, std::string_view header, std::string_view body) {
  std::optional<int> code = ExceptionCode(body);
  int from_header = 0;
  // The header says for certain what the text only looks like, but 18.16 does not send it.
  if (std::from_chars(header.data(), header.data() + header.size(), from_header).ec == std::errc() && from_header > 0) code = from_header;
  std::string message = "ClickHouse: ";
  if (!code) message += "HTTP " + std::to_string(http_status) + ": ";
  message += body.substr(0, kMessageBytes);
  while (!message.empty() && message.back() == '\n') message.pop_back();
  if (code && Has(kNoSchema, *code)) return WithDetail(MakeStatus(CodeOf(*code), message), {.reason = kNoSchemaReason});
  if (code) return MakeStatus(CodeOf(*code), message);
  // Not by ClickHouse itself but by what stands before it.
  const bool passing = http_status == 408 || http_status == 429 || http_status == 502 || http_status == 503 || http_status == 504;
  return MakeStatus(passing ? StatusCode::kUnavailable : StatusCode::kInternal, message);
}

}  // namespace vora::clickhouse
