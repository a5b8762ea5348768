#include "libs/core/error.h"
#include "libs/http/server/connection_internal.h"

#include <algorithm>
#include <limits>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/core/text.h"
#include "libs/http/message/target.h"
#include "libs/log/log.h"

namespace vora::http {
namespace {

constexpr size_t kReadSize = 16 << 10;

class Unregister {
 public:
  Unregister(ServerContext& server, Stoppable* connection) : server_(server), connection_(connection) {}
  ~Unregister() { server_.connections.Remove(connection_); }
  Unregister(const Unregister&) = delete;
  Unregister& operator=(const Unregister&) = delete;

 private:
  ServerContext& server_;
  Stoppable* connection_;
};

// A line that continues the one before (RFC 9112 section 5.2) is read in one way here and in another there.
bool HasFold(std::string_view head) { return head.find("\n ") != std::string_view::npos || head.find("\n\t") != std::string_view::npos; }

// Beast calls every broken request line a bad version: only one that ends in a well-formed other version is.
bool NamesAVersion(std::string_view head) {
  const std::string_view line = head.substr(0, head.find('\r'));
  const std::string_view last = line.substr(std::min(line.size(), line.rfind(' ') + 1));
  return std::count(line.begin(), line.end(), ' ') == 2 && last.size() == 8 && last.starts_with("HTTP/") && last[6] == '.';
}

Response RefusalOf(const error_code& error, size_t limit, std::string_view head) {
  if (error == beast::http::error::header_limit) {
    return ErrorResponse(errors::kHeaderTooLarge, "the request head is larger than " + std::to_string(limit) + " bytes");
  }
  if (error == beast::http::error::bad_version && NamesAVersion(head)) {
    return ErrorResponse(errors::kHttpVersionNotSupported, "only HTTP/1.1 and HTTP/1.0 are spoken");
  }
  return ErrorResponse(errors::kBadRequest, "malformed HTTP request: " + error.message());
}

}  // namespace

Connection::Connection(ServerContext& server, asio::ip::tcp::socket socket)
    : server_(server),
      socket_(std::move(socket)),
      watchdog_(socket_.get_executor()),
      sleep_(socket_.get_executor()),
      read_pace_(server.options.min_body_rate, server.options.idle_timeout),
      write_pace_(server.options.min_body_rate, server.options.write_timeout) {
  error_code ignored;
  socket_.non_blocking(true, ignored);  // for the speculative reads in ReadSized
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  const auto peer = socket_.remote_endpoint(ignored);
  if (ignored) return;
  remote_ = peer.address().to_string();
  const auto v6 = peer.address().is_v4() ? asio::ip::make_address_v6(asio::ip::v4_mapped, peer.address().to_v4()) : peer.address().to_v6();
  const auto bytes = v6.to_bytes();
  std::copy(bytes.begin(), bytes.end(), peer_.bytes.begin());
  peer_trusted_ = HeldByAny(server_.trusted, peer_);
}

bool Connection::Enter() {
  // Of a proxy each client is looked at by request (OverLimit); its own connections are everybody's.
  if (!server_.limits.enabled() || peer_trusted_ || remote_.empty()) return true;
  client_ = server_.limits.Find(peer_, std::chrono::steady_clock::now());
  return server_.limits.Enter(client_, slot_);
}

void Connection::CountRefusal(Reason reason) const {
  const bool relayed = !peer_trusted_ && request_.headers.Has("X-Forwarded-For");
  const bool of_client = reason == Reason::kClientConnections || reason == Reason::kClientRequests;
  const char* hint = relayed && of_client ? "the peer forwards for others: if it is a proxy of yours, name it in VORA_TRUSTED_PROXIES" : "";
  const std::string& client = request_.client.empty() ? remote_ : request_.client;
  server_.refusals.Count(reason, server_.options.log_remote ? client : std::string(), hint);
}

Task<void> Connection::Serve(std::shared_ptr<Connection> self) {
  // First of the locals, so it goes last: Shutdown counts the connection until nothing of it is left to run.
  const Unregister unregister(self->server_, self.get());
  try {
    co_await self->Loop();
  } catch (const std::exception& e) {
    log::Error("http connection failed", {{"error", e.what()}, {"remote", self->LoggedRemote()}});
  }
  self->Close();
}

Task<void> Connection::Refuse(std::shared_ptr<Connection> self, Reason reason) {
  const Unregister unregister(self->server_, self.get());
  try {
    // A drain closes idle connections at once; this one still has something to say.
    self->idle_ = false;
    self->keep_alive_ = false;
    const Status why = reason == Reason::kClientConnections ? ResourceExhausted("too many connections from this address; close some")
                                                            : Unavailable("too many connections; try again later");
    Response response = ErrorResponse(why);
    const Status sent = co_await self->Send(std::move(response));
    if (sent.ok()) co_await self->Linger();
  } catch (const std::exception& e) {
    log::Error("http connection failed", {{"error", e.what()}, {"remote", self->LoggedRemote()}});
  }
  --self->server_.refusing;
  self->Close();
}

Task<void> Connection::Loop() {
  while (!closed_) {
    const bool readable = co_await ReadHeader();
    if (!readable) co_return;
    co_await Handle();
    if (closed_ || gone_) co_return;
    // The rest of a body that the handler did not want stands before the next request.
    if (keep_alive_ && !BodyEnded()) keep_alive_ = co_await DiscardBody();
    if (!keep_alive_ || server_.draining) break;
  }
  error_code ignored;
  if (!closed_ && (!BodyEnded() || buffer_.size() > 0 || socket_.available(ignored) > 0)) co_await Linger();
}

Task<bool> Connection::ReadHeader() {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(server_.options.max_header_bytes));
  // Beast's own limit of 1 MiB would end uploads; handlers have theirs.
  parser_->body_limit(boost::none);
  if (buffer_.size() == 0 && buffer_.capacity() > 4 * kReadSize) buffer_.shrink_to_fit();  // a chunked body went through it
  // Without it Beast's flat_buffer grows in small steps, and reads are as small: uploads were fourteen times slower.
  buffer_.reserve(kReadSize);
  request_ = Request();
  request_.remote = remote_;
  route_ = "malformed";
  phase_ = Phase::kNotStarted;
  framing_ = Framing::kNone;
  status_ = 0;
  keep_alive_ = true;
  http10_ = chunked_ = expects_continue_ = body_broken_ = false;
  body_left_ = response_left_ = 0;
  read_pace_.Restart();
  write_pace_.Restart();

  error_code error;
  const bool complete = co_await FillHeader(error);
  idle_ = false;
  ClearDeadline();
  if (!complete && !error) co_return false;
  Response refusal;
  if (!error && AcceptHeader(refusal)) co_return true;
  if (error == asio::error::timed_out) {
    CountRefusal(Reason::kHeaderTimeout);
    refusal = ErrorResponse(errors::kRequestTimeout, "the request head did not arrive in time");
  } else if (error) {
    const std::string_view head(static_cast<const char*>(buffer_.cdata().data()), buffer_.size());
    refusal = RefusalOf(error, server_.options.max_header_bytes, head);
  }
  if (refusal.status == 431) CountRefusal(Reason::kHeaderSize);
  if (refusal.status == 400) CountRefusal(Reason::kMalformed);
  keep_alive_ = false;
  // What follows a head that could be read in two ways may be a request smuggled in: it is never parsed, and the connection ends.
  body_broken_ = true;
  server_.metrics.Began();
  const Status sent = co_await Send(std::move(refusal));
  server_.metrics.Ended(request_.method, route_, status_, 0);
  if (sent.ok()) co_await Linger();
  co_return false;
}

// The whole head must arrive within the header timeout counted from its first byte, however slowly the bytes drip in.
Task<bool> Connection::FillHeader(error_code& error) {
  idle_ = true;
  bool begun = false;
  ArmDeadline(server_.options.idle_timeout);
  while (true) {
    // An empty line before a request is ignored (RFC 9112 section 2.2).
    while (buffer_.size() > 0 && idle_) {
      const char first = *static_cast<const char*>(buffer_.cdata().data());
      if (first != '\r' && first != '\n') idle_ = false;
      if (idle_) buffer_.consume(1);
    }
    if (buffer_.size() > 0) {
      error = {};
      const size_t parsed = parser_->put(buffer_.cdata(), error);
      if (!error && HasFold({static_cast<const char*>(buffer_.cdata().data()), parsed})) error = beast::http::error::bad_field;
      buffer_.consume(parsed);
      if (error == beast::http::error::need_more) error = {};
      if (error) co_return false;
      if (parser_->is_header_done()) co_return true;
    }
    // Only between requests: of a request whose first byte is here the client may expect an answer.
    if (idle_ && server_.draining) co_return false;
    if (!idle_ && !begun) {
      begun = true;
      MoveDeadline(std::chrono::steady_clock::now() + server_.options.header_timeout);
    }
    error_code fault;
    const asio::mutable_buffer space = buffer_.prepare(kReadSize);
    const size_t bytes = co_await socket_.async_read_some(space, asio::redirect_error(asio::use_awaitable, fault));
    buffer_.commit(bytes);
    // An idle connection that times out is closed without a word: an answer could be taken for that of a request just sent.
    if (fault && timed_out_ && !idle_) error = asio::error::timed_out;
    if (fault || closed_) co_return false;
    if (idle_) ArmDeadline(server_.options.idle_timeout);
  }
}

bool Connection::AcceptHeader(Response& refusal) {
  const auto& message = parser_->get();
  const auto method = message.method_string();
  request_.method.assign(method.data(), method.size());
  request_.target.assign(message.target().data(), message.target().size());
  bool listed = false;  // "1, 1"
  size_t fields = 0, hosts = 0, lengths = 0, codings = 0;
  for (const auto& field : message) {
    ++fields;
    hosts += field.name() == beast::http::field::host;
    lengths += field.name() == beast::http::field::content_length;
    if (field.name() == beast::http::field::content_length) listed = field.value().find_first_not_of("0123456789") != field.value().npos;
    codings += field.name() == beast::http::field::transfer_encoding;
    request_.headers.Add({field.name_string().data(), field.name_string().size()}, {field.value().data(), field.value().size()});
  }
  http10_ = message.version() == 10;
  keep_alive_ = message.keep_alive() && !server_.draining;
  chunked_ = parser_->chunked();
  if (message.version() != 10 && message.version() != 11) {
    refusal = ErrorResponse(errors::kHttpVersionNotSupported, "only HTTP/1.1 and HTTP/1.0 are spoken");
    return false;
  }
  if (fields > server_.options.max_header_fields) {
    refusal = ErrorResponse(errors::kHeaderTooLarge,
                            "the request has more than " + std::to_string(server_.options.max_header_fields) + " header fields");
    return false;
  }
  // Those that a proxy in front could have read another way than we do.
  if (hosts > 1 || lengths > 1 || codings > 1 || lengths + codings > 1 || listed) {
    refusal =
        ErrorResponse(errors::kBadRequest, "Host, Content-Length and Transfer-Encoding may stand once each, the last two not together");
    return false;
  }
  // RFC 9112 section 6.1: an unknown coding is 501, as the end of the message cannot be known; HTTP/1.0 has none.
  const auto encoding = request_.headers.Get("Transfer-Encoding");
  if (encoding && !EqualsIgnoreCase(*encoding, "chunked")) {
    refusal = ErrorResponse(Unimplemented("the only transfer coding understood is chunked"));
    return false;
  }
  if (encoding && http10_) {
    refusal = ErrorResponse(errors::kBadRequest, "Transfer-Encoding has no meaning in HTTP/1.0");
    return false;
  }
  if (!http10_ && !request_.headers.Has("Host")) {
    refusal = ErrorResponse(errors::kBadRequest, "the Host header is missing", "Host");
    return false;
  }
  if (const auto length = parser_->content_length(); length && !chunked_) {
    if (*length > static_cast<std::uint64_t>(std::numeric_limits<int64_t>::max())) {
      refusal = ErrorResponse(errors::kBadRequest, "Content-Length is too large", "Content-Length");
      return false;
    }
    body_left_ = static_cast<int64_t>(*length);
    request_.content_length = body_left_;
  }
  const auto expect = request_.headers.Get("Expect");
  if (expect && !EqualsIgnoreCase(*expect, "100-continue")) {
    refusal = ErrorResponse(errors::kExpectationFailed, "the only expectation understood is 100-continue", "Expect");
    return false;
  }
  // RFC 9110 section 10.1.1: of HTTP/1.0 the expectation is ignored, and without a body there is nothing to continue.
  expects_continue_ = expect && !http10_ && (chunked_ || body_left_ > 0);
  const std::string traceparent = request_.headers.GetOr("traceparent", "");
  request_.trace = obs::ContinueTrace(traceparent);
  if (!server_.options.trace_roots && !obs::TraceContext::Parse(traceparent)) request_.trace.sampled = false;
  return true;
}

void Connection::ArmDeadline(std::chrono::milliseconds timeout) {
  timed_out_ = false;
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  // The timer is left alone while it fires no later than the deadline: a cancel and a new wait for each piece of a body would be work for
  // nothing.
  if (watchdog_armed_ && watchdog_.expiry() > deadline) {
    MoveDeadline(deadline);
    return;
  }
  deadline_ = deadline;
  if (!watchdog_armed_) WaitDeadline();
}

void Connection::MoveDeadline(std::chrono::steady_clock::time_point deadline) {
  deadline_ = deadline;
  watchdog_.cancel();  // it looks again and sees the earlier deadline
}

void Connection::ClearDeadline() { deadline_ = std::chrono::steady_clock::time_point::max(); }

// One timer serves all deadlines: they only ever move later, so it looks again whenever it fires early.
void Connection::WaitDeadline() {
  watchdog_armed_ = true;
  watchdog_.expires_at(deadline_);
  watchdog_.async_wait([self = shared_from_this()](const error_code&) {
    self->watchdog_armed_ = false;
    if (self->closed_ || self->deadline_ == std::chrono::steady_clock::time_point::max()) return;
    if (std::chrono::steady_clock::now() < self->deadline_) {
      self->WaitDeadline();
      return;
    }
    self->timed_out_ = true;
    error_code ignored;
    self->socket_.cancel(ignored);
  });
}

void Connection::Drain() {
  // On the strand, since the flags and the socket belong to it; by reference count, as the connection may end before its turn.
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->sleep_.cancel();
    if (self->idle_) self->Close();
  });
}

void Connection::Abort() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->Close(); });
}

void Connection::Close() {
  closed_ = true;
  error_code ignored;
  socket_.close(ignored);
  watchdog_.cancel();
  sleep_.cancel();
}

// Closing a socket with unread input makes the kernel send a reset, which can overtake the response: so first read on for a while.
Task<void> Connection::Linger() {
  error_code error;
  // The client sees the end of the response and closes, which ends the loop below.
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
  const auto until = std::chrono::steady_clock::now() + std::min(server_.options.idle_timeout, std::chrono::milliseconds(2000));
  std::string sink(kReadSize, '\0');
  ArmDeadline(server_.options.idle_timeout);
  MoveDeadline(until);
  while (!error && !closed_ && !server_.draining) {
    const asio::mutable_buffer space = asio::buffer(sink);
    co_await socket_.async_read_some(space, asio::redirect_error(asio::use_awaitable, error));
  }
  ClearDeadline();
}

}  // namespace vora::http
