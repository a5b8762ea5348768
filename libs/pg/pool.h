#pragma once

// The sized pool of connections behind Database.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "libs/pg/database.h"

namespace vora::pg {

// One session. What the server remarks (notices, the reason of a shutdown) goes to our log instead of stderr.
struct Session {
  explicit Session(const std::string& conninfo) : connection(conninfo), notices(connection) {}

  class Notices : public pqxx::errorhandler {
   public:
    using errorhandler::errorhandler;
    bool operator()(const char message[]) noexcept override;
  };
  pqxx::connection connection;
  Notices notices;
};

class Pool {
 public:
  Pool(DatabaseOptions options, obs::Metrics& metrics);

  // A connection on loan. Given back when it dies, unless it was condemned or is closed.
  class Lease {
   public:
    Lease(Pool& pool, std::unique_ptr<Session> session) : pool_(&pool), session_(std::move(session)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    pqxx::connection& operator*() { return session_->connection; }
    // The connection is broken: it is closed, and so are the idle ones, which most likely share its fate.
    void Condemn() { condemned_ = true; }

   private:
    Pool* pool_;
    std::unique_ptr<Session> session_;
    bool condemned_ = false;
  };

  // UNAVAILABLE: none free within acquire_timeout, or PostgreSQL does not answer.
  StatusOr<Lease> Acquire();

 private:
  StatusOr<Lease> Take();
  StatusOr<std::unique_ptr<Session>> Connect() const;
  void Return(std::unique_ptr<Session> session, bool condemned);

  const DatabaseOptions options_;
  obs::Gauge& in_use_;
  obs::Histogram& wait_seconds_;
  obs::Counter& timeouts_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<Session>> idle_;  // the last one used first
  int open_ = 0;                                // idle and on loan
};

}  // namespace vora::pg
