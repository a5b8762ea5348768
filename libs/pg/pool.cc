#include "libs/pg/pool.h"

#include "libs/log/log.h"
#include "libs/pg/conninfo.h"
#include "libs/pg/metrics.h"

namespace vora::pg {
namespace {

// libpqxx 6 reconnects silently, which would lose the session's settings. Version 7 never does, hence the deprecation.
void ForbidReconnect(pqxx::connection& connection) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
}

}  // namespace

bool Session::Notices::operator()(const char message[]) noexcept {
  try {
    log::Debug("PostgreSQL remarks", {{"notice", message}});
  } catch (...) {  // a remark is not worth an end
  }
  return false;
}

Pool::Pool(DatabaseOptions options, obs::Metrics& metrics)
    : options_(std::move(options)),
      in_use_(kPoolInUse.In(metrics)),
      wait_seconds_(kPoolWait.In(metrics)),
      timeouts_(kPoolTimeouts.In(metrics)) {
  kPoolSize.In(metrics).Set(options_.max_connections);
}

Pool::Lease::~Lease() {
  if (session_) pool_->Return(std::move(session_), condemned_);
}

StatusOr<Pool::Lease> Pool::Acquire() {
  const auto begin = std::chrono::steady_clock::now();
  auto lease = Take();
  wait_seconds_.Observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return lease;
}

StatusOr<Pool::Lease> Pool::Take() {
  {
    std::unique_lock lock(mutex_);
    const bool free =
        freed_.wait_for(lock, options_.acquire_timeout, [this] { return !idle_.empty() || open_ < options_.max_connections; });
    if (!free) {
      timeouts_.Increment();
      return Unavailable("all " + std::to_string(options_.max_connections) + " PostgreSQL connections are busy (waited " +
                         std::to_string(options_.acquire_timeout.count()) + " ms)");
    }
    if (!idle_.empty()) {
      auto session = std::move(idle_.back());
      idle_.pop_back();
      in_use_.Add(1);
      return Lease(*this, std::move(session));
    }
    // The place is taken before the connection is there, so that nobody waits on the mutex while it is being made.
    ++open_;
  }
  auto session = Connect();
  if (!session.ok()) {
    const std::lock_guard lock(mutex_);
    --open_;
    freed_.notify_one();
    return session.status();
  }
  in_use_.Add(1);
  return Lease(*this, std::move(*session));
}

StatusOr<std::unique_ptr<Session>> Pool::Connect() const {
  const auto seconds = std::max<int64_t>(2, (options_.connect_timeout.count() + 999) / 1000);  // libpq rounds 1 up to 2
  VORA_ASSIGN_OR_RETURN(const std::string text, ConnectionString(options_.url, {{"connect_timeout", std::to_string(seconds)}}));
  try {
    auto session = std::make_unique<Session>(text);
    ForbidReconnect(session->connection);
    pqxx::nontransaction setup(session->connection);
    setup.exec("SET statement_timeout = " + std::to_string(options_.statement_timeout.count()));
    setup.exec("SET client_min_messages = warning");
    // Compiling a statement takes longer than running one of ours, and is done before it is known how much of the plan will run.
    setup.exec("SET jit = off");
    // Ends the transaction of a process that hangs or was cut off, whose row locks would hold up the others.
    setup.exec("SET idle_in_transaction_session_timeout = '60s'");
    for (const auto& [name, value] : options_.settings) setup.exec_params("SELECT set_config($1, $2, false)", name, value);
    return session;
  } catch (...) {
    const Status status = StatusFromCurrentException();
    return Unavailable("cannot connect to PostgreSQL: " + Message(status));
  }
}

void Pool::Return(std::unique_ptr<Session> session, bool condemned) {
  const bool reusable = !condemned && session->connection.is_open();
  std::vector<std::unique_ptr<Session>> dropped;  // closed outside the lock
  {
    const std::lock_guard lock(mutex_);
    if (reusable) {
      idle_.push_back(std::move(session));
    } else {
      // Sessions lose their server together; each would cost its next user a failed transaction.
      dropped.swap(idle_);
      dropped.push_back(std::move(session));
      open_ -= static_cast<int>(dropped.size());
    }
  }
  in_use_.Add(-1);
  if (reusable) {
    freed_.notify_one();
  } else {
    freed_.notify_all();
  }
}

}  // namespace vora::pg
