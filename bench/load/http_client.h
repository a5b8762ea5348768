#pragma once

// HTTP/1.1 for the load generator: thousands of connections on one thread, each with one request at a time. Connections are kept open
// and opened again when the server has closed them meanwhile.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace vora::load {

using SteadyTime = std::chrono::steady_clock::time_point;
inline SteadyTime Now() { return std::chrono::steady_clock::now(); }

struct Answer {
  int status = 0;  // 0: none; `body` says why
  int64_t body_bytes = 0;
  std::string head, body;  // `body` only when it was to be kept
  std::string Header(std::string_view name) const;
};

class Loop;

// Owned by whoever plays a part; the loop must outlive it.
class Connection {
 public:
  using Done = std::function<void(const Answer&)>;
  Connection(Loop& loop, int port);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  // `request`: head and body as they are sent. `done` is called once, from Loop::Run.
  void Send(std::string request, bool keep_body, Done done);
  // No answer after this long is a failure.
  static constexpr std::chrono::seconds kPatience{30};

 private:
  friend class Loop;
  void Open();
  void Close();
  void Ready(uint32_t events);
  void Write();
  void Read();
  void Consume(std::string_view bytes);
  bool ConsumeHead(std::string_view& bytes);
  void ConsumeChunked(std::string_view bytes);
  void Keep(std::string_view bytes);
  void Lost(const std::string& why);
  void Finish();

  Loop& loop_;
  const int port_;
  int fd_ = -1;
  bool fresh_ = false;  // nothing was answered on it yet
  bool busy_ = false, keep_body_ = false, in_body_ = false, chunked_ = false;
  std::string request_, chunk_line_;
  size_t sent_ = 0;
  int64_t left_ = 0;
  SteadyTime asked_;
  Answer answer_;
  Done done_;
};

// One thread's events. Times are steady.
class Loop {
 public:
  Loop();
  ~Loop();
  // Calls `act` at `when` or a little later.
  void At(SteadyTime when, std::function<void()> act);
  // Until `idle` says so, asked after every round.
  void Run(const std::function<bool()>& idle);
  int64_t reconnects() const { return reconnects_; }

 private:
  friend class Connection;
  void CheckPatience();
  int epoll_ = -1;
  std::multimap<SteadyTime, std::function<void()>> timers_;
  std::vector<Connection*> connections_;
  std::string buffer_;
  SteadyTime checked_{};
  int64_t reconnects_ = 0;
};

// A GET or HEAD request without a body.
std::string Get(const std::string& path);

}  // namespace vora::load
