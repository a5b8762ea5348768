#pragma once

// PostgreSQL access: a sized pool of connections, transactions with bounded retry, and mapping of pqxx exceptions to Status.
// Include only from *_repo.cc and wiring code: pqxx headers are heavy.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <pqxx/pqxx>

#include "libs/core/status.h"
#include "libs/obs/metrics.h"

namespace vora::pg {

struct DatabaseOptions {
  std::string url;  // postgresql://user:password@host:port/dbname or a libpq keyword string
  int max_connections = 16;
  std::chrono::milliseconds acquire_timeout{2000};
  std::chrono::milliseconds statement_timeout{10000};
  std::chrono::milliseconds connect_timeout{3000};
  std::map<std::string, std::string> settings = {};  // of each session, by name: https://www.postgresql.org/docs/15/runtime-config.html
};

class Database {
 public:
  Database(DatabaseOptions options, obs::Metrics& metrics);  // connects lazily
  ~Database();

  // Runs `body` in one READ COMMITTED transaction and commits when it returns OK; anything else rolls back. 40001, 40P01 and a
  // connection lost before commit run it again (up to 5 times): `body` must have no other side effects. A commit whose outcome is unknown
  // (in_doubt_error) is UNAVAILABLE with "in doubt" and never repeated. No connection to be had: UNAVAILABLE. Broken connections are
  // discarded.
  Status Transact(const std::function<Status(pqxx::work&)>& body);
  // A single read-only statement or a few that need no transaction (nontransaction, cheaper).
  Status Read(const std::function<Status(pqxx::nontransaction&)>& body);
  // The same for a `body` that returns a StatusOr: what the run returned that was committed.
  template <typename Body, typename Result = std::invoke_result_t<Body&, pqxx::work&>, typename T = typename Result::value_type>
  Result Transact(Body body) {
    std::optional<T> result;
    VORA_RETURN_IF_ERROR(Transact([&](pqxx::work& tx) -> Status { return Keep(body(tx), result); }));
    return *std::move(result);
  }
  template <typename Body, typename Result = std::invoke_result_t<Body&, pqxx::nontransaction&>, typename T = typename Result::value_type>
  Result Read(Body body) {
    std::optional<T> result;
    VORA_RETURN_IF_ERROR(Read([&](pqxx::nontransaction& tx) -> Status { return Keep(body(tx), result); }));
    return *std::move(result);
  }
  // OK when a connection can be had and answers; cached for a second (for readiness checks).
  Status Ping();

 private:
  template <typename T>
  static Status Keep(StatusOr<T> returned, std::optional<T>& result) {
    VORA_ASSIGN_OR_RETURN(result, std::move(returned));
    return absl::OkStatus();
  }

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Maps the exception in flight (call inside a catch block) to a Status: unique_violation ALREADY_EXISTS, foreign key and check violations
// FAILED_PRECONDITION, 40001/40P01 ABORTED, class 08/57P0x/broken_connection UNAVAILABLE, query_canceled DEADLINE_EXCEEDED, others
// INTERNAL.
Status StatusFromCurrentException();

}  // namespace vora::pg
