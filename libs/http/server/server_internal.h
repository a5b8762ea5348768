#pragma once

// What the connections of one server share. Included by the server's own sources only.

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "libs/http/server/client_limits_internal.h"
#include "libs/http/server/refusals_internal.h"
#include "libs/http/server/router.h"
#include "libs/http/server/server.h"
#include "libs/run/thread_pool.h"

namespace vora::http {

// The RED metrics, looked up once per (method, route, status).
class RequestMetrics {
 public:
  explicit RequestMetrics(obs::Metrics& metrics);
  void Began() { in_flight_.Add(1); }
  void Ended(const std::string& method, const std::string& route, int status, double seconds);

 private:
  struct Pair {
    obs::Counter* total;
    obs::Histogram* duration;
  };
  obs::Metrics& metrics_;
  obs::Gauge& in_flight_;
  std::mutex mutex_;
  std::map<std::string, Pair> known_;
};

// The open connections. Thread-safe. Asked to stop, it tells each one on its own executor.
class Stoppable {
 public:
  virtual ~Stoppable() = default;
  virtual void Drain() = 0;  // any thread: ends it if idle, else after the current request
  virtual void Abort() = 0;  // any thread: ends it now
};

class Registry {
 public:
  // Never throws away a connection; `size` after adding.
  size_t Add(const std::shared_ptr<Stoppable>& connection);
  void Remove(Stoppable* connection);
  void DrainAll();
  void AbortAll();
  // False when some are left after `budget`.
  bool WaitEmpty(std::chrono::milliseconds budget);

 private:
  std::vector<std::shared_ptr<Stoppable>> Snapshot();
  std::mutex mutex_;
  std::condition_variable empty_;
  std::map<Stoppable*, std::weak_ptr<Stoppable>> open_;
};

struct ServerContext {
  ServerContext(ServerOptions server_options, obs::Metrics& registry)
      : options(std::move(server_options)),
        metrics(registry),
        refusals(registry),
        limits({options.max_connections_per_client, options.max_requests_per_second_per_client}) {}

  struct RouteEntry {
    std::string pattern;
    Handler handler;
    std::optional<Scope> scope;
  };
  ServerOptions options;
  RequestMetrics metrics;
  Refusals refusals;
  ClientLimits limits;
  std::vector<Cidr> trusted;     // of options.trusted_proxies, from Start on
  std::atomic<int> refusing{0};  // connections that are being told why they are refused
  Router router;
  std::vector<RouteEntry> routes;
  Server::Authorizer authorizer;
  std::function<void(const Request&, Response&)> on_response;
  std::atomic<bool> draining{false};
  Registry connections;
  std::unique_ptr<ThreadPool> pool;
};

}  // namespace vora::http
