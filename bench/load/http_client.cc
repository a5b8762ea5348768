#include "bench/load/http_client.h"

#include <memory>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>

namespace vora::load {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;

constexpr std::chrono::milliseconds kRound{50};
constexpr size_t kReadBytes = 64 << 10;

}  // namespace

std::string Answer::Header(std::string_view name) const {
  const auto found = fields.find({name.data(), name.size()});
  return found == fields.end() ? std::string() : std::string(found->value());
}

std::string Get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"; }

void Loop::At(SteadyTime when, std::function<void()> act) {
  auto timer = std::make_shared<asio::steady_timer>(context_, when);
  timer->async_wait([timer, act = std::move(act)](const beast::error_code& error) {
    if (!error) act();
  });
}

void Loop::Run(const std::function<bool()>& idle) {
  while (!idle()) {
    if (context_.stopped()) context_.restart();
    context_.run_for(kRound);
  }
}

void Connection::Send(std::string request, bool keep_body, Done done) {
  request_ = std::move(request);
  keep_body_ = keep_body;
  done_ = std::move(done);
  Try();
}

void Connection::Try() {
  parser_.emplace();
  parser_->body_limit(boost::none);
  parser_->get().body().keep = keep_body_;
  if (stream_) return Write();
  fresh_ = true;
  buffer_.clear();
  // Beast reads as much at a time as there is room: without any, 512 bytes.
  buffer_.reserve(kReadBytes);
  stream_.emplace(loop_.context_);
  stream_->expires_after(kPatience);
  const asio::ip::tcp::endpoint server(asio::ip::address_v4::loopback(), static_cast<uint16_t>(port_));
  stream_->async_connect(server, [this](const Error& error) {
    if (error) return Lost(error);
    stream_->socket().set_option(asio::ip::tcp::no_delay(true));
    Write();
  });
}

void Connection::Write() {
  stream_->expires_after(kPatience);
  asio::async_write(*stream_, asio::buffer(request_), [this](const Error& error, size_t) { return error ? Lost(error) : Read(); });
}

void Connection::Read() {
  beast::http::async_read(*stream_, buffer_, *parser_, [this](const Error& error, size_t) {
    if (error) return Lost(error);
    auto message = parser_->release();
    if (!message.keep_alive()) stream_.reset();
    fresh_ = false;
    Finish({static_cast<int>(message.result_int()), message.body().bytes, std::move(message.body().kept), std::move(message.base())});
  });
}

// A kept connection that the server closes while a request is on its way is opened again, as browsers do it.
void Connection::Lost(const Error& error) {
  stream_.reset();
  if (!fresh_ && !parser_->got_some() && error != beast::error::timeout) {
    ++loop_.reconnects_;
    return Try();
  }
  Finish({.body = error.message()});
}

void Connection::Finish(Answer answer) {
  // It may send the next request, or end this connection's owner.
  const Done done = std::move(done_);
  done(answer);
}

}  // namespace vora::load
