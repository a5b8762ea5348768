#pragma once

// The sized pool of connections behind Database.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "libs/pg/database.h"

namespace vora::pg {

class Pool {
 public:
  Pool(DatabaseOptions options, obs::Metrics& metrics);

  // A connection on loan. Given back when it dies, unless it was condemned or is closed.
  class Lease {
   public:
    Lease(Pool& pool, std::unique_ptr<pqxx::connection> connection) : pool_(&pool), connection_(std::move(connection)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    pqxx::connection& operator*() { return *connection_; }
    // The connection is broken: it is closed, and so are the idle ones, which most likely share its fate.
    void Condemn() { condemned_ = true; }

   private:
    Pool* pool_;
    std::unique_ptr<pqxx::connection> connection_;
    bool condemned_ = false;
  };

  // UNAVAILABLE: none free within acquire_timeout, or PostgreSQL does not answer.
  StatusOr<Lease> Acquire();

 private:
  StatusOr<std::unique_ptr<pqxx::connection>> Connect() const;
  void GiveBack(std::unique_ptr<pqxx::connection> connection, bool condemned);

  const DatabaseOptions options_;
  obs::Gauge& in_use_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<pqxx::connection>> idle_;  // the last one used first
  int open_ = 0;                                         // idle and on loan
};

}  // namespace vora::pg
