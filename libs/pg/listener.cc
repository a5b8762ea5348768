#include "libs/pg/listener.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "libs/log/log.h"
#include "libs/pg/conninfo.h"

namespace vora::pg {
namespace {

constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kMaxPause{2000};

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using PgResult = std::unique_ptr<PGresult, decltype(&PQclear)>;

bool Listen(PGconn* connection, const std::string& channel) {
  char* quoted = PQescapeIdentifier(connection, channel.data(), channel.size());
  if (quoted == nullptr) return false;
  const std::string sql = std::string("LISTEN ") + quoted;
  PQfreemem(quoted);
  const PgResult result(PQexec(connection, sql.c_str()), &PQclear);
  return PQresultStatus(result.get()) == PGRES_COMMAND_OK;
}

}  // namespace

// libpq itself rather than pqxx: its socket can be waited for together with the order to stop.
struct Listener::Impl {
  std::string url;
  std::vector<std::string> channels;
  std::function<void(const std::string&, const std::string&)> on_notify;
  std::atomic<bool> stopping{false};
  // Never read, so once written it ends every wait that follows as well.
  int stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::thread thread;

  ~Impl() { close(stop_fd); }
  void Run();
  Connection Open() const;
  void Deliver(const std::string& channel, const std::string& payload) const;
  void ReadUntilBroken(PGconn* connection) const;
  bool WaitFor(int fd, std::chrono::milliseconds timeout) const;
};

// Until `fd` (or none: -1) is readable, the time is over (< 0: never) or the listener stops.
bool Listener::Impl::WaitFor(int fd, std::chrono::milliseconds timeout) const {
  // poll skips negative descriptors, which makes a plain pause of `fd` -1.
  std::array<pollfd, 2> fds = {pollfd{stop_fd, POLLIN, 0}, pollfd{fd, POLLIN, 0}};
  return poll(fds.data(), fds.size(), static_cast<int>(timeout.count())) > 0 && fds[1].revents != 0;
}

void Listener::Impl::Deliver(const std::string& channel, const std::string& payload) const {
  try {
    on_notify(channel, payload);
  } catch (const std::exception& e) {
    log::Error("a notification's receiver failed", {{"channel", channel}, {"error", e.what()}});
  }
}

Connection Listener::Impl::Open() const {
  Connection connection(nullptr, &PQfinish);
  const auto text = ConnectionString(url, {{"application_name", "vora-listen"}});
  if (!text.ok()) {
    log::Error("cannot listen for notifications", {{"error", Message(text.status())}});
    return connection;
  }
  connection.reset(PQconnectdb(text->c_str()));
  PQsetNoticeProcessor(
      connection.get(),
      [](void*, const char* message) {
        log::Debug("PostgreSQL remarks", {{"notice", message}});
      },
      nullptr);
  const bool listening =
      PQstatus(connection.get()) == CONNECTION_OK &&
      std::all_of(channels.begin(), channels.end(), [&](const auto& channel) { return Listen(connection.get(), channel); });
  if (listening) return connection;
  log::Warn("cannot listen for notifications, polling goes on", {{"error", PQerrorMessage(connection.get())}});
  connection.reset();
  return connection;
}

void Listener::Impl::ReadUntilBroken(PGconn* connection) const {
  while (!stopping) {
    if (!WaitFor(PQsocket(connection), std::chrono::milliseconds(-1))) continue;
    if (PQconsumeInput(connection) == 0) return;
    while (true) {
      // One read may bring many notifications, and the socket tells only of the read.
      const std::unique_ptr<PGnotify, decltype(&PQfreemem)> notify(PQnotifies(connection), &PQfreemem);
      if (notify == nullptr) break;
      Deliver(notify->relname, notify->extra);
    }
    if (PQstatus(connection) != CONNECTION_OK) return;
  }
}

void Listener::Impl::Run() {
  auto pause = kFirstPause;
  while (!stopping) {
    const Connection connection = Open();
    if (connection != nullptr) {
      pause = kFirstPause;
      // What was notified before LISTEN took effect is lost: let the owner look.
      for (const std::string& channel : channels) Deliver(channel, "");
      ReadUntilBroken(connection.get());
      if (!stopping) log::Warn("lost the connection for notifications, polling goes on");
    }
    WaitFor(-1, pause);
    pause = std::min(pause * 2, kMaxPause);
  }
}

Listener::Listener(std::string url, std::vector<std::string> channels,
                   std::function<void(const std::string& channel, const std::string& payload)> on_notify)
    : impl_(std::make_unique<Impl>()) {
  impl_->url = std::move(url);
  impl_->channels = std::move(channels);
  impl_->on_notify = std::move(on_notify);
  impl_->thread = std::thread([impl = impl_.get()] { impl->Run(); });
}

Listener::~Listener() {
  impl_->stopping = true;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(impl_->stop_fd, &one, sizeof one);
  impl_->thread.join();
}

}  // namespace vora::pg
