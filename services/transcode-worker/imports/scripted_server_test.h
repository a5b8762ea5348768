#pragma once

// An HTTP server that says what a test wants it to say, byte for byte, so that it can misbehave.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "libs/core/text.h"

namespace vora::transcode {

struct ScriptedRequest {
  std::string path;
  std::string head;  // with its request line
  // "" without one.
  std::string Header(std::string_view name) const {
    for (size_t at = 0, end = head.find("\r\n"); end != head.npos; at = end + 2, end = head.find("\r\n", at)) {
      const std::string_view line = std::string_view(head).substr(at, end - at);
      const size_t colon = line.find(": ");
      if (colon != line.npos && EqualsIgnoreCase(line.substr(0, colon), name)) return std::string(line.substr(colon + 2));
    }
    return {};
  }
};

// One connection for each request, one at a time. `answer` gives all that is said before the connection is closed.
class ScriptedServer {
 public:
  using Answer = std::function<std::string(const ScriptedRequest&)>;
  // At the end of an answer: the connection stays open, silently, until the client has had enough of it.
  static constexpr std::string_view kSilence = "\r\n<silence>";

  explicit ScriptedServer(Answer answer, const std::string& address = "127.0.0.1")
      : address_(address), answer_(std::move(answer)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    EXPECT_EQ(inet_pton(AF_INET, address.c_str(), &in.sin_addr), 1);
    socklen_t size = sizeof in;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&in), size), 0) << address;
    EXPECT_EQ(listen(listener_, 16), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&in), &size), 0);
    port_ = ntohs(in.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~ScriptedServer() {
    shutdown(listener_, SHUT_RDWR);
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
      if (open_ >= 0) shutdown(open_, SHUT_RDWR);
    }
    thread_.join();
    close(listener_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string Url(const std::string& path) const { return "http://" + address_ + ":" + std::to_string(port_) + path; }
  std::vector<ScriptedRequest> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void Serve() {
    for (int client = accept(listener_, nullptr, nullptr); client >= 0; client = accept(listener_, nullptr, nullptr)) {
      {
        const std::lock_guard lock(mutex_);
        open_ = client;
        if (ending_) shutdown(client, SHUT_RDWR);
      }
      Talk(client);
      const std::lock_guard lock(mutex_);
      close(std::exchange(open_, -1));
    }
  }
  void Talk(int client) {
    ScriptedRequest request;
    char buffer[4096];
    while (request.head.find("\r\n\r\n") == request.head.npos) {
      const ssize_t got = recv(client, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      request.head.append(buffer, static_cast<size_t>(got));
    }
    const size_t path = request.head.find(' ') + 1;
    request.path = request.head.substr(path, request.head.find(' ', path) - path);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const std::string answer = answer_(request);
    std::string_view left = answer;
    const bool silent = left.ends_with(kSilence);
    if (silent) left.remove_suffix(kSilence.size());
    while (!left.empty()) {
      const ssize_t sent = send(client, left.data(), left.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      left.remove_prefix(static_cast<size_t>(sent));
    }
    while (silent && recv(client, buffer, sizeof buffer, 0) > 0) {
    }
  }

  const std::string address_;
  const Answer answer_;
  const int listener_;
  int port_ = 0;
  std::mutex mutex_;
  bool ending_ = false;
  int open_ = -1;
  std::vector<ScriptedRequest> requests_;
  std::thread thread_;
};

// "HTTP/1.1 200 OK", the headers ("Name: value\r\n" each) and a body with its length.
inline std::string HttpAnswer(int status, const std::string& headers, std::string_view body) {
  return "HTTP/1.1 " + std::to_string(status) + " Scripted\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}
inline std::string HttpRedirect(const std::string& to, int status = 302) { return HttpAnswer(status, "Location: " + to + "\r\n", "moved"); }
inline std::string HttpChunked(const std::string& headers, std::string_view body, bool whole = true) {
  char size[20];
  (void)std::snprintf(size, sizeof size, "%zx\r\n", body.size());
  const std::string chunk = body.empty() ? "" : size + std::string(body) + "\r\n";
  return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + headers + "\r\n" + chunk + (whole ? "0\r\n\r\n" : "");
}

// As a server should that has `file`: with Range, and If-Range by `validator` (a header, "ETag: ..." or "Last-Modified: ...").
inline std::string HttpFile(const ScriptedRequest& request, std::string_view file, const std::string& validator) {
  const std::string headers = "Content-Type: video/mp4\r\n" + (validator.empty() ? "" : validator + "\r\n");
  const std::string range = request.Header("Range"), if_range = request.Header("If-Range");
  const bool same = if_range.empty() || validator.ends_with(": " + if_range);
  if (!range.starts_with("bytes=") || !same) return HttpAnswer(200, headers, file);
  const size_t dash = range.find('-');
  const size_t begin = std::stoull(range.substr(6, dash - 6));
  if (begin >= file.size()) return HttpAnswer(416, "Content-Range: bytes */" + std::to_string(file.size()) + "\r\n", "");
  const size_t last = dash + 1 == range.size() ? file.size() - 1 : std::min<size_t>(std::stoull(range.substr(dash + 1)), file.size() - 1);
  const std::string of =
      "Content-Range: bytes " + std::to_string(begin) + "-" + std::to_string(last) + "/" + std::to_string(file.size()) + "\r\n";
  return HttpAnswer(206, headers + of, file.substr(begin, last + 1 - begin));
}

// The beginning of an MP4, and bytes that do not repeat.
inline std::string FilmOf(size_t size) {
  std::string film(
      "\0\0\0\x18"
      "ftypmp42",
      12);
  uint64_t state = 88172645463325252ULL;
  film.reserve(size + 8);
  while (film.size() < size) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    film.append(reinterpret_cast<const char*>(&state), sizeof state);
  }
  film.resize(size);
  return film;
}

}  // namespace vora::transcode
