#pragma once

// HTTP exchanges for S3 over libcurl, whose answer is pulled: connections are kept and reused, memory is bounded by one
// receive buffer however slowly the answer is read, and leaving early closes the connection.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/core/status.h"
#include "libs/curl/pool.h"

namespace vora::storage {

struct HttpRequest {
  std::string method;
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string_view body;  // must outlive the exchange
  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds stall_timeout{20000};
  std::chrono::milliseconds total_timeout{0};  // 0: none
};

// Idle connections. Thread-safe; outlives its exchanges.
class HttpPool {
 public:
  // `ca_file`: PEM file of the authorities that https is checked against; empty: the system's.
  explicit HttpPool(std::string ca_file = {});
  ~HttpPool();
  struct Channel;

 private:
  friend class HttpExchange;
  const std::string ca_file_;
  curl::Pool<Channel> channels_;
};

// One request and its answer. Not thread-safe.
class HttpExchange {
 public:
  // Sends the request and waits for the answer's headers. UNAVAILABLE, DEADLINE_EXCEEDED, or FAILED_PRECONDITION (certificate).
  static StatusOr<std::unique_ptr<HttpExchange>> Start(HttpPool& pool, const HttpRequest& request);
  ~HttpExchange();
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  int status() const;
  // "" when absent.
  const std::string& Header(std::string_view name) const;
  // Up to `size` bytes of the answer's body; 0 at its end. UNAVAILABLE when it was cut off.
  StatusOr<size_t> Read(char* buffer, size_t size);
  // The rest of the body; INTERNAL when longer than `limit`.
  StatusOr<std::string> ReadRest(size_t limit);

 private:
  explicit HttpExchange(HttpPool& pool);
  Status Begin(const HttpRequest& request);
  Status Step();  // one round of libcurl, waiting for the network if there is nothing to do
  size_t OnBody(const char* bytes, size_t size);
  bool head_complete() const;

  HttpPool& pool_;
  std::unique_ptr<HttpPool::Channel> channel_;
  bool done_ = false, paused_ = false;
  Status result_ = absl::OkStatus();
  std::string spill_;  // received while nobody was reading
  size_t spill_at_ = 0;
  char* target_ = nullptr;  // where Read wants its bytes
  size_t target_size_ = 0, target_filled_ = 0;
};

}  // namespace vora::storage
