#pragma once

// A door between a client and a server in which faults are made: it forwards TCP connections and can cut, refuse or stall them.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace vora {

class TcpGate {
 public:
  // Forwards connections from a free port of 127.0.0.1 to `host`:`port`.
  TcpGate(std::string host, int port);
  ~TcpGate();
  TcpGate(const TcpGate&) = delete;
  TcpGate& operator=(const TcpGate&) = delete;

  int port() const { return port_; }

  // Cuts the next `answers` answers after `after_bytes` bytes of them; the server has had the whole request by then when `after_bytes` is
  // 0. Open connections are closed, so that the next request comes on a new one. The first `skip` answers pass; `100 Continue` is one.
  void CutAnswers(int answers, int64_t after_bytes, int skip = 0);
  // Connections are refused (nobody listens), open ones are closed.
  void Refuse();
  // Bytes stay where they are until Pass.
  void Stall();
  // The same of the connections that are open now: new ones get through.
  void StallOpen();
  // Everything goes through again.
  void Pass();

  int connections() const { return connections_; }
  int cut() const { return cut_; }

 private:
  struct Connection;
  void Listen();
  void Accept(int listener);
  void Serve(Connection& connection);
  void CloseAll();
  // How many bytes of this answer may pass; -1: all.
  int64_t TakeBudget();
  bool WaitUntilMoving(const Connection& connection);

  const std::string host_;
  const int server_port_;
  int port_ = 0;
  std::atomic<int> connections_{0}, cut_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stalled_ = false, ending_ = false;
  int answers_to_cut_ = 0, answers_to_skip_ = 0;
  int64_t cut_after_ = 0;
  int listener_ = -1;
  std::vector<std::unique_ptr<Connection>> open_;
  std::thread acceptor_;
};

}  // namespace vora
