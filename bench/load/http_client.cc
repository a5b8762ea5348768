#include "bench/load/http_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace vora::load {
namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr size_t kMaxHead = 32 << 10;

}  // namespace

std::string Answer::Header(std::string_view name) const {
  size_t at = head.find("\r\n");
  while (at != std::string::npos) {
    at += 2;
    const size_t end = head.find("\r\n", at), colon = head.find(':', at);
    if (end == std::string::npos || colon == std::string::npos) break;
    if (colon - at == name.size() && strncasecmp(head.data() + at, name.data(), name.size()) == 0) {
      const size_t value = head.find_first_not_of(' ', colon + 1);
      return head.substr(value, end - value);
    }
    at = end;
  }
  return "";
}

std::string Get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"; }

Connection::Connection(Loop& loop, int port) : loop_(loop), port_(port) { loop_.connections_.push_back(this); }

Connection::~Connection() {
  Close();
  std::erase(loop_.connections_, this);
}

void Connection::Open() {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) {
    std::perror("socket");
    std::exit(1);
  }
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  (void)connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.ptr = this;
  epoll_ctl(loop_.epoll_, EPOLL_CTL_ADD, fd_, &event);
  fresh_ = true;
}

void Connection::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

void Connection::Send(std::string request, bool keep_body, Done done) {
  request_ = std::move(request);
  keep_body_ = keep_body;
  done_ = std::move(done);
  answer_ = Answer();
  in_body_ = chunked_ = false;
  left_ = 0;
  sent_ = 0;
  chunk_line_.clear();
  busy_ = true;
  asked_ = Now();
  if (fd_ < 0) Open();
  Write();
}

void Connection::Ready(uint32_t events) {
  if ((events & EPOLLOUT) != 0 && busy_) Write();
  if (fd_ >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) Read();
}

void Connection::Write() {
  while (sent_ < request_.size()) {
    const ssize_t sent = send(fd_, request_.data() + sent_, request_.size() - sent_, MSG_NOSIGNAL);
    if (sent > 0) {
      sent_ += static_cast<size_t>(sent);
    } else if (errno == EAGAIN || errno == ENOTCONN || errno == EINPROGRESS) {
      return;
    } else {
      return Lost(std::strerror(errno));
    }
  }
}

void Connection::Read() {
  while (fd_ >= 0) {
    const ssize_t got = recv(fd_, loop_.buffer_.data(), loop_.buffer_.size(), 0);
    if (got > 0) {
      Consume({loop_.buffer_.data(), static_cast<size_t>(got)});
    } else if (got < 0 && errno == EAGAIN) {
      return;
    } else {
      return Lost(got == 0 ? "closed by the server" : std::strerror(errno));
    }
  }
}

// A kept connection that the server closes while a request is on its way is opened again, as browsers do it.
void Connection::Lost(const std::string& why) {
  Close();
  if (!busy_) return;
  if (!fresh_ && answer_.head.empty()) {
    ++loop_.reconnects_;
    sent_ = 0;
    Open();
    return;
  }
  answer_.status = 0;
  answer_.body = why;
  Finish();
}

bool Connection::ConsumeHead(std::string_view& bytes) {
  const size_t before = answer_.head.size();
  answer_.head.append(bytes);
  const size_t end = answer_.head.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  if (end == std::string::npos) {
    if (answer_.head.size() > kMaxHead) Lost("an endless head");
    return false;
  }
  bytes.remove_prefix(end + 4 - before);
  answer_.head.resize(end + 2);
  answer_.status = std::atoi(answer_.head.c_str() + std::min<size_t>(9, answer_.head.size()));
  in_body_ = true;
  chunked_ = answer_.Header("Transfer-Encoding") == "chunked";
  left_ = answer_.status == 204 || answer_.status == 304 ? 0 : std::atoll(answer_.Header("Content-Length").c_str());
  return true;
}

void Connection::Keep(std::string_view bytes) {
  answer_.body_bytes += static_cast<int64_t>(bytes.size());
  // Of a failure what it says.
  if (keep_body_ || answer_.status >= 400) answer_.body.append(bytes);
}

void Connection::Consume(std::string_view bytes) {
  if (!busy_) return Lost("bytes that nobody asked for");
  if (!in_body_ && !ConsumeHead(bytes)) return;
  if (chunked_) return ConsumeChunked(bytes);
  const auto now = std::min<size_t>(bytes.size(), static_cast<size_t>(left_));
  Keep(bytes.substr(0, now));
  left_ -= static_cast<int64_t>(now);
  if (left_ == 0) Finish();
}

// RFC 9112 section 7.1. `left_`: bytes of the chunk and of the CRLF after it.
void Connection::ConsumeChunked(std::string_view bytes) {
  while (!bytes.empty()) {
    if (left_ > 0) {
      const auto data = std::min<size_t>(bytes.size(), static_cast<size_t>(std::max<int64_t>(0, left_ - 2)));
      Keep(bytes.substr(0, data));
      const auto all = std::min<size_t>(bytes.size(), static_cast<size_t>(left_));
      left_ -= static_cast<int64_t>(all);
      bytes.remove_prefix(all);
      continue;
    }
    const size_t end = bytes.find('\n');
    chunk_line_.append(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    const int64_t size = std::strtoll(chunk_line_.c_str(), nullptr, 16);
    const bool was_last = chunk_line_ == "\r";
    chunk_line_.clear();
    if (was_last) return Finish();
    if (size > 0) left_ = size + 2;
  }
}

void Connection::Finish() {
  busy_ = false;
  fresh_ = false;
  if (answer_.Header("Connection") == "close") Close();
  // It may send the next request, or end this connection's owner.
  const Answer answer = std::move(answer_);
  const Done done = std::move(done_);
  done(answer);
}

Loop::Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)), buffer_(kReadBytes, '\0') {}

Loop::~Loop() { close(epoll_); }

void Loop::At(SteadyTime when, std::function<void()> act) { timers_.emplace(when, std::move(act)); }

void Loop::CheckPatience() {
  const SteadyTime now = Now();
  if (now - checked_ < std::chrono::seconds(1)) return;
  checked_ = now;
  for (Connection* connection : std::vector<Connection*>(connections_)) {
    if (!connection->busy_ || now - connection->asked_ < Connection::kPatience) continue;
    connection->fresh_ = true;
    connection->Lost("no answer in time");
  }
}

void Loop::Run(const std::function<bool()>& idle) {
  epoll_event events[256];
  while (!idle()) {
    while (!timers_.empty() && timers_.begin()->first <= Now()) {
      const auto act = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      act();
    }
    int64_t wait = 100;
    if (!timers_.empty()) {
      wait = std::clamp<int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(timers_.begin()->first - Now()).count(), 0, 100);
    }
    const int ready = epoll_wait(epoll_, events, 256, static_cast<int>(wait));
    for (int i = 0; i < ready; ++i) static_cast<Connection*>(events[i].data.ptr)->Ready(events[i].events);
    CheckPatience();
  }
}

}  // namespace vora::load
