#pragma once

// The database behind every repository of this daemon: closed (UNAVAILABLE) until the schema is there, and the place where
// repositories say what they changed. Heavy (pqxx): include only from *_repo.cc and wiring. Thread-safe.

#include <atomic>
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
  // As Database does it, with a result or without.
  template <typename Body>
  auto Transact(Body body) -> decltype(std::declval<pg::Database&>().Transact(body)) {
    VORA_RETURN_IF_ERROR(CheckOpen());
    return db_.Transact(std::move(body));
  }
  template <typename Body>
  auto Read(Body body) -> decltype(std::declval<pg::Database&>().Read(body)) {
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
