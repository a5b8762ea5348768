#pragma once

// ClickHouse over its HTTP interface (https://clickhouse.com/docs/interfaces/http), from 18.16 on.

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "libs/settings/settings.h"

namespace vora::clickhouse {

struct Options {
  std::string url = "http://127.0.0.1:8123";  // VORA_CLICKHOUSE_URL
  std::string user = "default";               // VORA_CLICKHOUSE_USER
  std::string password;                       // VORA_CLICKHOUSE_PASSWORD
  std::string database = "vora";              // VORA_CLICKHOUSE_DATABASE
  std::string ca_file;                        // VORA_CLICKHOUSE_CA, PEM; empty: the system's authorities
  std::chrono::milliseconds timeout{10'000};  // VORA_CLICKHOUSE_TIMEOUT, of a query

  // Declares the settings above.
  void Declare(SettingsSchema& schema);
  Status Check() const;  // INVALID_ARGUMENT naming the setting
};

struct Version {
  int year = 0, month = 0;  // 18, 16
  bool AtLeast(int y, int m) const { return year > y || (year == y && month >= m); }
};

// Settings of one query, e.g. {"insert_deduplication_token", ...}. Ask the version first: an unknown one fails the query.
using QuerySettings = std::map<std::string, std::string>;

// What is known of an insert that failed.
enum class InsertFate {
  kNotBegun,  // the server never had all of it: it cannot happen any more
  kEnded,     // the server answered: it is over; with an error it may still have left something behind
  kUnknown,   // no answer, or a proxy's: it may have happened, be running, or begin only later
};

// Thread-safe; keeps a few connections. UNAVAILABLE: no answer, or the server says it is overloaded. DEADLINE_EXCEEDED: too slow.
// INVALID_ARGUMENT or INTERNAL: the server refused the query; the message is the server's, cut.
class Client {
 public:
  explicit Client(Options options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // The answer in the query's own FORMAT. `timeout` 0: the options'.
  StatusOr<std::string> Query(std::string_view sql, const QuerySettings& settings = {}, std::chrono::milliseconds timeout = {});
  // `statement`: "INSERT INTO t (a, b) FORMAT RowBinary". The body goes out as one LZ4 block, so the server reads all of the rows or none,
  // and only after it has begun with the request. After an error the insert may or may not have happened: `fate`, if given, says what is
  // known. `query_id` names it in system.processes, from when the server has read the body on.
  Status Insert(std::string_view statement, std::string_view rows, const std::string& query_id, const QuerySettings& settings = {},
                std::chrono::milliseconds timeout = std::chrono::seconds(60), InsertFate* fate = nullptr);
  StatusOr<Version> ServerVersion();  // asked once per connection loss
  // On: calls under way end with UNAVAILABLE within a second, and so do new ones. For shutting down.
  void Interrupt(bool on);
  const Options& options() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// 'it\'s': a string literal, with everything escaped that needs it.
std::string Quote(std::string_view text);

}  // namespace vora::clickhouse
