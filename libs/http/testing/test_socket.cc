#include "libs/http/testing/test_socket.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"

namespace vora::http {

RawSocket::RawSocket(int port, int receive_buffer) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (receive_buffer > 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  const timeval limit{10, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
}

RawSocket::~RawSocket() {
  if (fd_ >= 0) close(fd_);
}

void RawSocket::Say(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

bool RawSocket::Fill() {
  char buffer[65536];
  const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
  EXPECT_FALSE(got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) << "nothing more within 10 s after: " << heard_;
  if (got <= 0) return false;
  heard_.append(buffer, static_cast<size_t>(got));
  return true;
}

std::string RawSocket::HearUntil(std::string_view text) {
  size_t at = heard_.find(text);
  while (at == std::string::npos && Fill()) at = heard_.find(text);
  const size_t end = at == std::string::npos ? heard_.size() : at + text.size();
  std::string out = heard_.substr(0, end);
  heard_.erase(0, end);
  return out;
}

std::string RawSocket::HearResponse() {
  std::string out = HearUntil("\r\n\r\n");
  const size_t length_at = out.find("Content-Length: ");
  if (length_at == std::string::npos) return out;
  const size_t length = std::stoul(out.substr(length_at + 16));
  while (heard_.size() < length && Fill()) {
  }
  out += heard_.substr(0, length);
  heard_.erase(0, length);
  return out;
}

std::string RawSocket::HearAll() {
  while (Fill()) {
  }
  return std::exchange(heard_, "");
}

size_t RawSocket::Sip(size_t size) const {
  std::string sink(size, '\0');
  const ssize_t got = recv(fd_, sink.data(), size, 0);
  return got > 0 ? static_cast<size_t>(got) : 0;
}

void RawSocket::HalfClose() const { shutdown(fd_, SHUT_WR); }

void RawSocket::Reset() {
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(std::exchange(fd_, -1));
}

std::string Sha256Hex(std::string_view bytes) { return HexEncode(Sha256(bytes)); }

std::string Noise(size_t size) {
  std::string out(size, '\0');
  uint64_t state = 88172645463325252ULL;
  for (char& c : out) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>(state >> 24);
  }
  return out;
}

}  // namespace vora::http
