#pragma once

// HTTP/1.1 for the load generator: thousands of connections on one thread, each with one request at a time. Connections are kept open
// and opened again when the server has closed them meanwhile.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/parser.hpp>

#include "bench/load/counted_body.h"

namespace vora::load {

using SteadyTime = std::chrono::steady_clock::time_point;
inline SteadyTime Now() { return std::chrono::steady_clock::now(); }

struct Answer {
  int status = 0;  // 0: none; `body` says why
  int64_t body_bytes = 0;
  std::string body;  // only when it was to be kept, or of a failure
  boost::beast::http::fields fields = {};
  std::string Header(std::string_view name) const;
};

// One thread's events. Times are steady.
class Loop {
 public:
  // Calls `act` at `when` or a little later.
  void At(SteadyTime when, std::function<void()> act);
  // Until `idle` says so, asked again and again.
  void Run(const std::function<bool()>& idle);
  int64_t reconnects() const { return reconnects_; }

 private:
  friend class Connection;
  boost::asio::io_context context_{1};
  int64_t reconnects_ = 0;
};

// Owned by whoever plays a part; the loop must outlive it.
class Connection {
 public:
  using Done = std::function<void(const Answer&)>;
  Connection(Loop& loop, int port) : loop_(loop), port_(port) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  // `request`: head and body as they are sent. `done` is called once, from Loop::Run.
  void Send(std::string request, bool keep_body, Done done);
  // No answer after this long is a failure.
  static constexpr std::chrono::seconds kPatience{30};

 private:
  using Error = boost::beast::error_code;
  using Parser = boost::beast::http::response_parser<CountedBody>;
  void Try();
  void Write();
  void Read();
  void Lost(const Error& error);
  void Finish(Answer answer);

  Loop& loop_;
  const int port_;
  std::optional<boost::beast::tcp_stream> stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  bool fresh_ = false;  // nothing was answered on it yet
  bool keep_body_ = false;
  std::string request_;
  Done done_;
};

// A GET request.
std::string Get(const std::string& path);

}  // namespace vora::load
