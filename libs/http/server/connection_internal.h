#pragma once

// One client connection: reads requests, runs handlers, writes responses. Everything happens on the connection's strand.

#include <array>
#include <chrono>
#include <memory>
#include <optional>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "libs/http/message/response_head.h"
#include "libs/http/server/pace_internal.h"
#include "libs/http/server/server_internal.h"

namespace vora::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

class Connection final : public Exchange, public Stoppable, public std::enable_shared_from_this<Connection> {
 public:
  Connection(ServerContext& server, asio::ip::tcp::socket socket);

  // Until the client leaves, an error, or the server drains. Never throws.
  static Task<void> Serve(std::shared_ptr<Connection> self);
  // Takes one of the connections that the client may have; false: it has none left.
  bool Enter();
  // Says why without reading a request.
  static Task<void> Refuse(std::shared_ptr<Connection> self, Reason reason);
  void CountRefusal(Reason reason) const;

  void Drain() override;
  void Abort() override;

  const Request& request() const override { return request_; }
  Task<StatusOr<size_t>> ReadBody(std::span<char> buffer) override;
  Task<StatusOr<std::string>> ReadBodyAll(size_t limit) override;
  Task<Status> Send(Response response) override;
  Task<Status> Begin(Response head, std::optional<int64_t> content_length) override;
  Task<Status> Write(std::string_view bytes) override;
  Task<Status> Finish() override;
  Task<Status> RunBlocking(std::function<void()> work) override;
  Task<Status> Sleep(std::chrono::milliseconds time) override;
  bool draining() const override { return server_.draining; }

 private:
  using Parser = beast::http::request_parser<beast::http::buffer_body>;
  using Buffers = std::array<asio::const_buffer, 3>;
  enum class Phase { kNotStarted, kStreaming, kDone };
  struct ReadResult {
    error_code error;
    size_t bytes = 0;
  };

  Task<void> Loop();
  Task<bool> ReadHeader();  // false: nothing more to serve on this connection
  Task<bool> FillHeader(error_code& error);
  bool AcceptHeader(Response& refusal);  // false: answer `refusal` and close
  Task<void> Handle();
  Task<void> Dispatch();
  std::optional<Response> OverLimit();  // what to answer a client that asks too often
  Task<void> Run(const Handler& handler);
  Task<StatusOr<size_t>> ReadSized(std::span<char> buffer);
  Task<StatusOr<size_t>> ReadChunked(std::span<char> buffer);
  Task<ReadResult> ReadSome(asio::mutable_buffer buffer);
  Task<Status> SendContinue();
  Task<Status> WriteAll(Buffers buffers);
  Task<bool> DiscardBody();
  Task<void> Linger();

  bool BodyEnded() const;
  std::string Head(Response& head, Framing framing, int64_t content_length);
  Status ReadFault(const error_code& error);
  void ArmDeadline(std::chrono::milliseconds timeout);
  void MoveDeadline(std::chrono::steady_clock::time_point deadline);  // may be earlier
  void WaitDeadline();
  void ClearDeadline();
  void WatchForGone();
  void Close();
  void LogAccess(double seconds) const;
  const std::string& LoggedPath() const;
  std::string LoggedRemote() const { return server_.options.log_remote ? remote_ : std::string(); }

  ServerContext& server_;
  asio::ip::tcp::socket socket_;
  asio::steady_timer watchdog_;
  asio::steady_timer sleep_;
  beast::flat_buffer buffer_;
  std::string remote_;
  Address peer_;
  bool peer_trusted_ = false;
  std::shared_ptr<ClientLimits::Client> client_;  // of a peer that is not trusted, when there are limits
  ClientLimits::Slot slot_;

  // Of the connection.
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
  bool watchdog_armed_ = false;
  bool timed_out_ = false;
  bool idle_ = true;  // waits for the first byte of a request
  bool gone_watch_armed_ = false;
  bool gone_ = false;  // the client closed or reset
  bool closed_ = false;

  // Of the current request.
  std::optional<Parser> parser_;
  ClientLimits::Slot request_slot_;  // of a client behind a trusted proxy
  Pace read_pace_, write_pace_;
  Request request_;
  std::string route_;
  Phase phase_ = Phase::kNotStarted;
  Framing framing_ = Framing::kNone;
  int status_ = 0;
  bool keep_alive_ = true;
  bool http10_ = false;
  bool chunked_ = false;
  bool expects_continue_ = false;
  bool body_broken_ = false;
  int64_t body_left_ = 0;      // of a body with Content-Length
  int64_t response_left_ = 0;  // kLength
};

}  // namespace vora::http
