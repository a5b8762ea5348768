// vora-bench-event-load PORT RATE SECONDS CONNECTIONS: posts single events at a constant rate, whatever the answers take. A request's time
// runs from the moment when it was due, so waiting for a free connection counts. Prints `RESULT p50 p99 p99.9 max sent failed`, times in
// us.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Connection {
  int fd = -1;
  Clock::time_point due;
  std::string answer;
};

struct Load {
  int64_t failed = 0;
  std::vector<double> micros;
  std::vector<Connection> connections;
  std::vector<size_t> idle;
  int epoll = -1;
};

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

void Connect(Load& load, int port, size_t index) {
  Connection& connection = load.connections[index];
  connection.fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(connection.fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) Die("connect");
  const int on = 1;
  setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = index;
  epoll_ctl(load.epoll, EPOLL_CTL_ADD, connection.fd, &event);
  load.idle.push_back(index);
}

std::string Request(int64_t number) {
  char body[512], head[256];
  std::snprintf(body, sizeof(body),
                R"({"video_id":"bench%02d","session_id":"single-%06d","sequence":%lld,"type":"watch_time","position_seconds":%.3f,)"
                R"("duration_seconds":4.0,"rendition":"720p","bitrate":3000000,"viewer_id":"viewer-%d"})",
                static_cast<int>(number % 20), static_cast<int>(number % 5000), static_cast<long long>(number / 5000),
                static_cast<double>(number / 5000) * 4, static_cast<int>(number % 1000));
  std::snprintf(head, sizeof(head), "POST /e HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                std::strlen(body));
  return std::string(head) + body;
}

void Send(Load& load, size_t index, Clock::time_point due, int64_t number) {
  Connection& connection = load.connections[index];
  connection.due = due;
  connection.answer.clear();
  const std::string request = Request(number);
  if (send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) Die("send");
}

// True once the whole answer is there.
bool Complete(const std::string& answer) {
  const size_t end = answer.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const size_t length = answer.find("Content-Length: ");
  const size_t body = length < end ? std::strtoul(answer.c_str() + length + 16, nullptr, 10) : 0;
  return answer.size() >= end + 4 + body;
}

void Receive(Load& load, size_t index) {
  Connection& connection = load.connections[index];
  char buffer[4096];
  const ssize_t got = recv(connection.fd, buffer, sizeof(buffer), 0);
  if (got <= 0) Die("the daemon closed the connection");
  connection.answer.append(buffer, static_cast<size_t>(got));
  if (!Complete(connection.answer)) return;
  if (connection.answer.compare(0, 12, "HTTP/1.1 202") != 0 && load.failed++ == 0) std::fprintf(stderr, "%s\n", connection.answer.c_str());
  load.micros.push_back(std::chrono::duration<double, std::micro>(Clock::now() - connection.due).count());
  load.idle.push_back(index);
}

double Percentile(const std::vector<double>& sorted, double share) {
  return sorted.empty() ? 0 : sorted[std::min(sorted.size() - 1, static_cast<size_t>(share * static_cast<double>(sorted.size())))];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const int port = std::atoi(argv[1]);
  const double rate = std::atof(argv[2]);
  const auto total = static_cast<int64_t>(rate * std::atof(argv[3]));
  Load load;
  load.epoll = epoll_create1(0);
  load.connections.resize(static_cast<size_t>(std::atoi(argv[4])));
  for (size_t i = 0; i < load.connections.size(); ++i) Connect(load, port, i);
  load.micros.reserve(static_cast<size_t>(total));

  const auto begin = Clock::now();
  const auto due = [&](int64_t number) {
    return begin + std::chrono::nanoseconds(static_cast<int64_t>(static_cast<double>(number) / rate * 1e9));
  };
  int64_t sent = 0;
  while (static_cast<int64_t>(load.micros.size()) < total) {
    while (sent < total && !load.idle.empty() && due(sent) <= Clock::now()) {
      const size_t index = load.idle.back();
      load.idle.pop_back();
      Send(load, index, due(sent), sent);
      ++sent;
    }
    // Until an answer comes or the next request is due.
    timespec wait{0, 1'000'000};
    if (sent < total && !load.idle.empty()) {
      const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(due(sent) - Clock::now()).count();
      wait.tv_nsec = std::clamp<long>(left, 0, 1'000'000);
    }
    epoll_event events[64];
    const int ready = epoll_pwait2(load.epoll, events, 64, &wait, nullptr);
    for (int i = 0; i < ready; ++i) Receive(load, events[i].data.u64);
  }
  std::sort(load.micros.begin(), load.micros.end());
  std::printf("RESULT %.0f %.0f %.0f %.0f %lld %lld\n", Percentile(load.micros, 0.5), Percentile(load.micros, 0.99),
              Percentile(load.micros, 0.999), load.micros.back(), static_cast<long long>(sent), static_cast<long long>(load.failed));
  return 0;
}
