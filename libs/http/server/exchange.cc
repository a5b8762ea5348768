// The Exchange side of a connection: one request's body and response.

#include <cstdio>
#include <cstring>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "libs/core/error.h"
#include "libs/http/server/connection_internal.h"

namespace vora::http {
namespace {

// To read so much away costs less than the client's new connection; a larger rest may be an upload of gigabytes.
constexpr int64_t kMaxDiscard = 64 << 10;
constexpr size_t kChunkReadSize = 128 << 10;

}  // namespace

bool Connection::BodyEnded() const {
  if (body_broken_) return false;
  return chunked_ ? parser_->is_done() : body_left_ == 0;
}

Status Connection::ReadFault(const error_code& error) {
  body_broken_ = true;
  keep_alive_ = false;
  if (error == asio::error::timed_out) {
    CountRefusal(Reason::kSlowBody);
    return MakeError(errors::kRequestTimeout,
                     "the body arrives too slowly; the least is " + std::to_string(server_.options.min_body_rate) + " bytes per second");
  }
  // The watchdog cancels the socket's operations, which looks like a shutdown of ours but for the flag.
  if (error == asio::error::operation_aborted && timed_out_) {
    CountRefusal(Reason::kSlowBody);
    return MakeError(errors::kRequestTimeout, "the client sent nothing for the idle timeout");
  }
  gone_ = true;
  return Unavailable("the client went away: " + error.message());
}

Task<Connection::ReadResult> Connection::ReadSome(asio::mutable_buffer buffer) {
  ReadResult result;
  const auto began = std::chrono::steady_clock::now();
  ArmDeadline(server_.options.idle_timeout);
  result.bytes = co_await socket_.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, result.error));
  ClearDeadline();
  if (!result.error && !read_pace_.Moved(static_cast<int64_t>(result.bytes), std::chrono::steady_clock::now() - began)) {
    result.error = asio::error::timed_out;
  }
  co_return result;
}

Task<Status> Connection::SendContinue() {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  const Buffers buffers{asio::buffer(kContinue), asio::const_buffer(), asio::const_buffer()};
  co_return co_await WriteAll(buffers);
}

Task<StatusOr<size_t>> Connection::ReadBody(std::span<char> buffer) {
  if (body_broken_) co_return Unavailable("the request body was cut off");
  if (BodyEnded() || buffer.empty()) co_return size_t{0};
  if (expects_continue_) {
    expects_continue_ = false;
    // Not to a client that sends already (RFC 9110 section 10.1.1), and not after a response has begun.
    if (buffer_.size() == 0 && phase_ == Phase::kNotStarted) {
      const Status sent = co_await SendContinue();
      if (!sent.ok()) co_return sent;
    }
  }
  if (chunked_) co_return co_await ReadChunked(buffer);
  co_return co_await ReadSized(buffer);
}

// With a known length the bytes go from the socket straight into the caller's buffer.
Task<StatusOr<size_t>> Connection::ReadSized(std::span<char> buffer) {
  const size_t want = static_cast<size_t>(std::min<int64_t>(body_left_, static_cast<int64_t>(buffer.size())));
  size_t filled = std::min(want, buffer_.size());
  if (filled > 0) {
    std::memcpy(buffer.data(), buffer_.cdata().data(), filled);
    buffer_.consume(filled);
  } else {
    const ReadResult read = co_await ReadSome(asio::mutable_buffer(buffer.data(), want));
    if (read.error) co_return ReadFault(read.error);
    filled = read.bytes;
  }
  error_code would_block;
  // What else has arrived, without another turn of the reactor: larger pieces for the handler. An error shows again at the next read.
  while (filled < want && !would_block)
    filled += socket_.read_some(asio::mutable_buffer(buffer.data() + filled, want - filled), would_block);
  body_left_ -= static_cast<int64_t>(filled);
  co_return filled;
}

Task<StatusOr<size_t>> Connection::ReadChunked(std::span<char> buffer) {
  auto& body = parser_->get().body();
  body.data = buffer.data();
  body.size = buffer.size();
  body.more = true;
  while (true) {
    error_code error;
    if (buffer_.size() > 0) buffer_.consume(parser_->put(buffer_.cdata(), error));
    const size_t filled = buffer.size() - body.size;
    if (error == beast::http::error::need_buffer || filled == buffer.size() || parser_->is_done()) co_return filled;
    // Beast asks for more input also when a chunk's head is split between two reads.
    const bool starved = buffer_.size() == 0 || error == beast::http::error::need_more;
    if (error && !starved) {
      body_broken_ = true;
      keep_alive_ = false;
      co_return InvalidArgument("malformed chunked body: " + error.message());
    }
    if (!starved) continue;
    if (filled > 0) co_return filled;
    // Beast keeps a chunk's head or trailer in the buffer until it is whole: without a limit a client could make it grow for ever.
    if (buffer_.size() > server_.options.max_header_bytes) {
      body_broken_ = true;
      keep_alive_ = false;
      co_return InvalidArgument("malformed chunked body: a chunk head or trailer is too long");
    }
    const asio::mutable_buffer space = buffer_.prepare(kChunkReadSize);
    const ReadResult read = co_await ReadSome(space);
    buffer_.commit(read.bytes);
    if (read.error) co_return ReadFault(read.error);
  }
}

Task<StatusOr<std::string>> Connection::ReadBodyAll(size_t limit) {
  if (request_.content_length && *request_.content_length > static_cast<int64_t>(limit)) co_return PayloadTooLarge(limit);
  std::string body;
  size_t filled = 0;
  while (true) {
    if (BodyEnded()) break;
    if (filled > limit) co_return PayloadTooLarge(limit);
    const size_t hint = request_.content_length ? static_cast<size_t>(*request_.content_length) : std::max<size_t>(4096, filled * 2);
    // One byte more than allowed, to tell a body that is just as long as the limit from a longer one.
    if (body.size() < std::min(hint, limit + 1) || body.size() == filled) body.resize(std::max(std::min(hint, limit + 1), filled + 1));
    const std::span<char> room(body.data() + filled, body.size() - filled);
    const StatusOr<size_t> read = co_await ReadBody(room);
    if (!read.ok()) co_return read.status();
    if (*read == 0) break;
    filled += *read;
  }
  if (filled > limit) co_return PayloadTooLarge(limit);
  body.resize(filled);
  co_return body;
}

Task<bool> Connection::DiscardBody() {
  std::string sink(16 << 10, '\0');
  int64_t discarded = 0;
  while (!BodyEnded()) {
    if (discarded > kMaxDiscard) co_return false;
    const std::span<char> room(sink);
    const StatusOr<size_t> read = co_await ReadBody(room);
    if (!read.ok()) co_return false;
    if (*read == 0) break;
    discarded += static_cast<int64_t>(*read);
  }
  co_return true;
}

std::string Connection::Head(Response& head, Framing framing, int64_t content_length) {
  // Decided before the head is written, which must announce the close. A client that waits for 100 Continue may or may not send its body
  // now, so nobody knows what the next bytes are.
  const bool hopeless = body_broken_ || expects_continue_ || (!chunked_ && body_left_ > kMaxDiscard);
  if (parser_ && !BodyEnded() && hopeless) keep_alive_ = false;
  if (server_.draining || head.headers.GetOr("Connection", "") == "close") keep_alive_ = false;
  status_ = head.status;
  framing_ = framing;
  return SerializeHead(head, {framing, content_length, keep_alive_, http10_});
}

Task<Status> Connection::Send(Response response) {
  if (phase_ != Phase::kNotStarted) co_return Internal("a response was already begun");
  // Before the write: when it fails midway, a second response would only be appended to the first.
  phase_ = Phase::kDone;
  if (server_.on_response) server_.on_response(request_, response);
  const bool bodyless = IsBodyless(response.status);
  const std::string head = Head(response, bodyless ? Framing::kNone : Framing::kLength, static_cast<int64_t>(response.body.size()));
  Buffers buffers{asio::buffer(head), asio::const_buffer(), asio::const_buffer()};
  if (!bodyless && request_.method != "HEAD") buffers[1] = asio::buffer(response.body);
  co_return co_await WriteAll(buffers);
}

Task<Status> Connection::Begin(Response head, std::optional<int64_t> content_length) {
  if (phase_ != Phase::kNotStarted) co_return Internal("a response was already begun");
  phase_ = Phase::kStreaming;
  if (server_.on_response) server_.on_response(request_, head);
  Framing framing = content_length ? Framing::kLength : Framing::kChunked;
  if (IsBodyless(head.status)) framing = Framing::kNone;
  if (framing == Framing::kChunked && http10_) {
    // HTTP/1.0 knows no chunks; the end of the connection is the end of the body.
    framing = Framing::kUntilClose;
    keep_alive_ = false;
  }
  response_left_ = content_length.value_or(0);
  const std::string text = Head(head, framing, response_left_);
  const Buffers buffers{asio::buffer(text), asio::const_buffer(), asio::const_buffer()};
  co_return co_await WriteAll(buffers);
}

Task<Status> Connection::Write(std::string_view bytes) {
  if (phase_ != Phase::kStreaming) co_return Internal("Write outside of Begin and Finish");
  if (bytes.empty() || framing_ == Framing::kNone || request_.method == "HEAD") co_return absl::OkStatus();
  Buffers buffers{asio::const_buffer(), asio::buffer(bytes), asio::const_buffer()};
  std::array<char, 24> size_line{};
  if (framing_ == Framing::kLength) {
    // The client would take what is beyond for the next response.
    if (static_cast<int64_t>(bytes.size()) > response_left_) co_return Internal("more bytes written than the declared Content-Length");
    response_left_ -= static_cast<int64_t>(bytes.size());
  } else if (framing_ == Framing::kChunked) {
    const int size = std::snprintf(size_line.data(), size_line.size(), "%zx\r\n", bytes.size());
    buffers[0] = asio::const_buffer(size_line.data(), static_cast<size_t>(size));
    buffers[2] = asio::const_buffer("\r\n", 2);
  }
  co_return co_await WriteAll(buffers);
}

Task<Status> Connection::Finish() {
  if (phase_ != Phase::kStreaming) co_return Internal("Finish without Begin");
  phase_ = Phase::kDone;
  const bool sends_body = request_.method != "HEAD";
  if (framing_ == Framing::kChunked && sends_body) {
    const Buffers buffers{asio::const_buffer("0\r\n\r\n", 5), asio::const_buffer(), asio::const_buffer()};
    co_return co_await WriteAll(buffers);
  }
  if (framing_ == Framing::kLength && sends_body && response_left_ > 0) {
    keep_alive_ = false;
    co_return Internal("fewer bytes written than the declared Content-Length");
  }
  co_return absl::OkStatus();
}

// The write timeout counts anew with every piece the client takes.
Task<Status> Connection::WriteAll(Buffers buffers) {
  size_t left = asio::buffer_size(buffers);
  while (left > 0) {
    if (gone_ || closed_) co_return Unavailable("the client went away");
    error_code error;
    const auto began = std::chrono::steady_clock::now();
    ArmDeadline(server_.options.write_timeout);
    size_t sent = co_await socket_.async_write_some(buffers, asio::redirect_error(asio::use_awaitable, error));
    ClearDeadline();
    const bool stalled = error == asio::error::operation_aborted && timed_out_;
    const bool slow = !error && !write_pace_.Moved(static_cast<int64_t>(sent), std::chrono::steady_clock::now() - began);
    if (error || slow) {
      keep_alive_ = false;
      gone_ = true;
      if (stalled || slow) {
        CountRefusal(Reason::kSlowReader);
        co_return DeadlineExceeded("the client takes the response too slowly");
      }
      co_return Unavailable("the client went away: " + error.message());
    }
    left -= sent;
    for (asio::const_buffer& buffer : buffers) {
      const size_t step = std::min(sent, buffer.size());
      buffer += step;
      sent -= step;
    }
  }
  co_return absl::OkStatus();
}

}  // namespace vora::http
