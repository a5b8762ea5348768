#pragma once

// A blocking HTTP client over libcurl, for the CLI and tests. One object per thread; connections are reused.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "libs/http/message/message.h"

namespace vora::http {

struct ClientRequest {
  std::string method = "GET";
  std::string url = {};
  Headers headers = {};
  std::string body = {};
  // Streams a body of `upload_size` bytes instead of `body`: fills the buffer, returns the bytes written (0 at the end).
  std::function<StatusOr<size_t>(char* buffer, size_t size)> upload = {};
  std::optional<int64_t> upload_size = {};
  // Receives the response body piecewise instead of ClientResponse::body; false ends the transfer (CANCELLED).
  std::function<bool(std::string_view)> on_data = {};
  std::chrono::milliseconds timeout{30000};  // whole call; 0: none
  std::chrono::milliseconds connect_timeout{5000};
  std::function<bool()> cancelled = {};  // polled about once a second
};

struct ClientResponse {
  int status = 0;
  Headers headers = {};
  std::string body = {};
};

class Client {
 public:
  Client();
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  // UNAVAILABLE: no answer (refused, reset, no such host). DEADLINE_EXCEEDED, CANCELLED. An HTTP error status is an OK result.
  StatusOr<ClientResponse> Do(const ClientRequest& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::http
