#include "libs/testing/tcp_gate.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

namespace vora {
namespace {

sockaddr_in Address(const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) std::abort();
  return address;
}

bool SendAll(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    ssize_t n = ::send(fd, bytes, size, MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

struct TcpGate::Connection {
  int client = -1, server = -1;
  std::atomic<bool> closed{false};
  bool stalled = false;  // under the gate's mutex
  std::thread thread;
};

TcpGate::TcpGate(std::string host, int port) : host_(std::move(host)), server_port_(port) { Listen(); }

TcpGate::~TcpGate() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  Refuse();
}

void TcpGate::Listen() {
  int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = Address("127.0.0.1", port_);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 || ::listen(listener, 64) != 0) std::abort();
  socklen_t length = sizeof(address);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  listener_ = listener;
  acceptor_ = std::thread([this, listener] { Accept(listener); });
}

void TcpGate::Accept(int listener) {
  while (true) {
    int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = Address(host_, server_port_);
    if (::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      ::close(server);
      ::close(client);
      continue;
    }
    ++connections_;
    std::lock_guard lock(mutex_);
    auto& connection = *open_.emplace_back(std::make_unique<Connection>());
    connection.client = client;
    connection.server = server;
    connection.thread = std::thread([this, &connection] { Serve(connection); });
  }
}

bool TcpGate::WaitUntilMoving(const Connection& connection) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return (!stalled_ && !connection.stalled) || ending_ || connection.closed; });
  return !connection.closed;
}

int64_t TcpGate::TakeBudget() {
  std::lock_guard lock(mutex_);
  if (answers_to_cut_ == 0 || answers_to_skip_-- > 0) return -1;
  answers_to_skip_ = 0;
  --answers_to_cut_;
  ++cut_;
  return cut_after_;
}

void TcpGate::Serve(Connection& connection) {
  std::array<char, 64 << 10> buffer;
  int64_t budget = -1;
  bool answering = false;
  pollfd fds[2] = {{connection.client, POLLIN, 0}, {connection.server, POLLIN, 0}};
  while (::poll(fds, 2, -1) > 0 && WaitUntilMoving(connection)) {
    if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
      ssize_t n = ::recv(connection.client, buffer.data(), buffer.size(), 0);
      if (n <= 0 || !SendAll(connection.server, buffer.data(), static_cast<size_t>(n))) break;
      answering = false;
    } else {
      ssize_t n = ::recv(connection.server, buffer.data(), buffer.size(), 0);
      if (n <= 0) break;
      if (!std::exchange(answering, true)) budget = TakeBudget();
      size_t pass = budget < 0 ? static_cast<size_t>(n) : static_cast<size_t>(std::min<int64_t>(n, budget));
      if (!SendAll(connection.client, buffer.data(), pass)) break;
      if (budget >= 0) budget -= static_cast<int64_t>(pass);
      if (budget == 0) break;
    }
  }
  ::shutdown(connection.client, SHUT_RDWR);
  ::shutdown(connection.server, SHUT_RDWR);
}

void TcpGate::CloseAll() {
  std::vector<std::unique_ptr<Connection>> closing;
  {
    std::lock_guard lock(mutex_);
    closing.swap(open_);
    for (auto& connection : closing) {
      connection->closed = true;
      ::shutdown(connection->client, SHUT_RDWR);
      ::shutdown(connection->server, SHUT_RDWR);
    }
  }
  changed_.notify_all();
  for (auto& connection : closing) {
    connection->thread.join();
    ::close(connection->client);
    ::close(connection->server);
  }
}

void TcpGate::CutAnswers(int answers, int64_t after_bytes, int skip) {
  CloseAll();
  std::lock_guard lock(mutex_);
  answers_to_cut_ = answers;
  answers_to_skip_ = skip;
  cut_after_ = after_bytes;
}

void TcpGate::Refuse() {
  if (acceptor_.joinable()) {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
  }
  CloseAll();
}

void TcpGate::Stall() {
  std::lock_guard lock(mutex_);
  stalled_ = true;
}

void TcpGate::StallOpen() {
  std::lock_guard lock(mutex_);
  for (auto& connection : open_) connection->stalled = true;
}

void TcpGate::Pass() {
  {
    std::lock_guard lock(mutex_);
    stalled_ = false;
    for (auto& connection : open_) connection->stalled = false;
    answers_to_cut_ = 0;
  }
  changed_.notify_all();
  if (!acceptor_.joinable()) Listen();
}

}  // namespace vora
