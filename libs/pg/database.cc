#include "libs/pg/database.h"

#include <mutex>
#include <thread>

#include "libs/log/log.h"
#include "libs/pg/metrics.h"
#include "libs/pg/pool.h"
#include "libs/run/retry.h"

namespace vora::pg {
namespace {

constexpr int kMaxAttempts = 5;

enum class Result { kCommitted, kRolledBack, kConflict, kLost, kInDoubt, kFailed };

struct Outcome {
  Result result;
  Status status;
};

// Call inside a catch block.
Outcome OutcomeOfException() {
  Status status = StatusFromCurrentException();
  try {
    throw;
  } catch (const pqxx::in_doubt_error&) {
    // By type, as its status is UNAVAILABLE too: the one loss of a connection after which nothing may be repeated.
    return {Result::kInDoubt, std::move(status)};
  } catch (...) {
  }
  if (status.code() == StatusCode::kAborted) return {Result::kConflict, std::move(status)};
  if (status.code() == StatusCode::kUnavailable) return {Result::kLost, std::move(status)};
  return {Result::kFailed, std::move(status)};
}

template <typename Transaction>
Outcome RunOnce(pqxx::connection& connection, const std::function<Status(Transaction&)>& body) {
  try {
    Transaction tx(connection);
    Status status = body(tx);
    if (!status.ok()) {
      tx.abort();
      return {Result::kRolledBack, std::move(status)};
    }
    tx.commit();
    return {Result::kCommitted, absl::OkStatus()};
  } catch (...) {
    return OutcomeOfException();
  }
}

}  // namespace

struct Database::Impl {
  Impl(DatabaseOptions options, obs::Metrics& registry)
      : pool(std::move(options), registry),
        committed(kTransactions.In(registry, {"committed"})),
        rolled_back(kTransactions.In(registry, {"rolled_back"})),
        retried(kTransactions.In(registry, {"retried"})),
        failed(kTransactions.In(registry, {"failed"})),
        in_doubt(kTransactions.In(registry, {"in_doubt"})) {}

  template <typename Transaction>
  Status Run(const std::function<Status(Transaction&)>& body);

  Pool pool;
  obs::Counter& committed;
  obs::Counter& rolled_back;
  obs::Counter& retried;
  obs::Counter& failed;
  obs::Counter& in_doubt;

  std::mutex ping_mutex;
  std::chrono::steady_clock::time_point pinged_at{};
  bool pinged = false;
  Status ping;
};

template <typename Transaction>
Status Database::Impl::Run(const std::function<Status(Transaction&)>& body) {
  const RetryOptions backoff{.max_attempts = kMaxAttempts, .initial = std::chrono::milliseconds(5), .max = std::chrono::milliseconds(100)};
  for (int attempt = 1;; ++attempt) {
    Outcome outcome;
    {
      // In a block of its own, so that the connection is back in the pool during the pause.
      auto lease = pool.Acquire();
      if (!lease.ok()) {
        failed.Increment();
        return lease.status();
      }
      outcome = RunOnce<Transaction>(**lease, body);
      if (outcome.result == Result::kLost || outcome.result == Result::kInDoubt) lease->Condemn();
    }
    switch (outcome.result) {
      case Result::kCommitted:
        committed.Increment();
        return outcome.status;
      case Result::kRolledBack:
        rolled_back.Increment();
        return outcome.status;
      case Result::kInDoubt:
        in_doubt.Increment();
        log::Error("a commit's outcome is unknown", {{"error", Message(outcome.status)}});
        return outcome.status;
      case Result::kFailed:
        failed.Increment();
        return outcome.status;
      case Result::kConflict:
      // Nothing was committed: libpqxx reports a connection that breaks within the commit as in doubt.
      case Result::kLost:
        if (attempt == kMaxAttempts) {
          failed.Increment();
          return outcome.status;
        }
        retried.Increment();
        std::this_thread::sleep_for(BackoffDelay(backoff, attempt, outcome.status));
    }
  }
}

Database::Database(DatabaseOptions options, obs::Metrics& metrics) : impl_(std::make_unique<Impl>(std::move(options), metrics)) {}

Database::~Database() = default;

Status Database::Transact(const std::function<Status(pqxx::work&)>& body) { return impl_->Run<pqxx::work>(body); }

Status Database::Read(const std::function<Status(pqxx::nontransaction&)>& body) { return impl_->Run<pqxx::nontransaction>(body); }

Status Database::Ping() {
  // Concurrent callers wait for the one that asks, and share its answer.
  const std::lock_guard lock(impl_->ping_mutex);
  const auto now = std::chrono::steady_clock::now();
  if (impl_->pinged && now - impl_->pinged_at < std::chrono::seconds(1)) return impl_->ping;
  impl_->ping = Read([](pqxx::nontransaction& tx) {
    tx.exec("SELECT 1");
    return absl::OkStatus();
  });
  impl_->pinged = true;
  impl_->pinged_at = std::chrono::steady_clock::now();
  return impl_->ping;
}

}  // namespace vora::pg
