#pragma once

// The database behind every repository of this daemon: closed (UNAVAILABLE) until the schema is there, and the place where
// repositories say what they changed. Heavy (pqxx): include only from *_repo.cc and wiring. Thread-safe.

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "libs/pg/database.h"
#include "services/metadata/rows/signals.h"

namespace vora::metadata {

class Store {
 public:
  Store(pg::DatabaseOptions options, obs::Metrics& metrics) : db_(std::move(options), metrics) {}

  // Brings the schema up to date and opens the store. Safe to repeat and to run beside other replicas.
  Status Open();
  // OK once open and while the database answers.
  Status Check();
  Status Transact(const std::function<Status(pqxx::work&)>& body);
  Status Read(const std::function<Status(pqxx::nontransaction&)>& body);
  template <typename Body, typename Result = std::invoke_result_t<Body&, pqxx::work&>, typename T = typename Result::value_type>
  Result Transact(Body body) {
    VORA_RETURN_IF_ERROR(CheckOpen());
    return db_.Transact(std::move(body));
  }
  template <typename Body, typename Result = std::invoke_result_t<Body&, pqxx::nontransaction&>, typename T = typename Result::value_type>
  Result Read(Body body) {
    VORA_RETURN_IF_ERROR(CheckOpen());
    return db_.Read(std::move(body));
  }

  // Set before any use from other threads.
  void SetSignals(Signals signals) { signals_ = std::move(signals); }
  void VideoChanged(const std::string& video_id) const;
  void OutboxAdded() const;

 private:
  Status CheckOpen() const;
  pg::Database db_;
  std::atomic<bool> open_{false};
  Signals signals_;
};

}  // namespace vora::metadata
