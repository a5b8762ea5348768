#pragma once

// An HTTPS server for tests of clients: answers each connection's first request with 200 and a fixed body.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>

#include "libs/rpc/tls.h"

namespace vora::rpc::testing {

class TlsWebServer {
 public:
  TlsWebServer(const TlsSettings& identity, std::string body)
      : body_(std::move(body)), context_(SSL_CTX_new(TLS_server_method())), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    EXPECT_EQ(SSL_CTX_use_certificate_chain_file(context_, identity.certificate.c_str()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context_, identity.key.c_str(), SSL_FILETYPE_PEM), 1);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~TlsWebServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
    SSL_CTX_free(context_);
  }
  TlsWebServer(const TlsWebServer&) = delete;
  TlsWebServer& operator=(const TlsWebServer&) = delete;

  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }

 private:
  void Run() {
    for (int peer = accept(listener_, nullptr, nullptr); peer >= 0; peer = accept(listener_, nullptr, nullptr)) {
      SSL* tls = SSL_new(context_);
      SSL_set_fd(tls, peer);
      char request[8192];
      if (SSL_accept(tls) == 1 && SSL_read(tls, request, sizeof request) > 0) {
        const std::string answer =
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body_.size()) + "\r\n\r\n" + body_;
        SSL_write(tls, answer.data(), static_cast<int>(answer.size()));
        SSL_shutdown(tls);
      }
      SSL_free(tls);
      close(peer);
    }
  }

  const std::string body_;
  SSL_CTX* const context_;
  const int listener_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace vora::rpc::testing
