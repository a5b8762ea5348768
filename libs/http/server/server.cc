#include "libs/http/server/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/http/server/connection_internal.h"
#include "libs/log/log.h"

namespace vora::http {
namespace {

// So many are told at a time why they are refused; the rest is closed without a word.
constexpr int kMaxRefusals = 64;

StatusOr<asio::ip::tcp::endpoint> ParseListen(asio::io_context& io, const std::string& listen) {
  const size_t colon = listen.rfind(':');
  if (colon == std::string::npos) return InvalidArgument("`" + listen + "` is not host:port");
  std::string host = listen.substr(0, colon);
  const std::string port_text = listen.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (port_text.empty() || port_text.size() > 5 || port_text.find_first_not_of("0123456789") != std::string::npos ||
      std::stoi(port_text) > 65535) {
    return InvalidArgument("`" + listen + "`: the port must be a number from 0 to 65535");
  }
  const auto port = static_cast<unsigned short>(std::stoi(port_text));
  if (host.empty() || host == "*") return asio::ip::tcp::endpoint(asio::ip::tcp::v4(), port);
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (!error) return asio::ip::tcp::endpoint(address, port);
  asio::ip::tcp::resolver resolver(io);
  const auto found = resolver.resolve(host, port_text, error);
  if (error || found.empty()) return InvalidArgument("`" + listen + "`: no such host: " + error.message());
  return found.begin()->endpoint();
}

// Connections must leave descriptors for files and other servers: how many of `wanted` there can be. Raises the process's limit if it may.
size_t MakeRoom(size_t wanted) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return wanted;
  const rlim_t needed = static_cast<rlim_t>(wanted) / 3 * 4 + 64;
  if (files.rlim_cur < needed && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = std::min(needed, files.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) getrlimit(RLIMIT_NOFILE, &files);
  }
  return std::min(wanted, static_cast<size_t>(files.rlim_cur / 4 * 3));
}

// Runs the handler with the whole body in the blocking pool.
Task<void> RunSimple(Exchange& exchange, const SimpleHandler& handler, size_t limit) {
  StatusOr<std::string> body = co_await exchange.ReadBodyAll(limit);
  Response response;
  if (!body.ok()) {
    if (body.status().code() == StatusCode::kUnavailable) co_return;
    response = ErrorResponse(body.status());
    co_await exchange.Send(std::move(response));
    co_return;
  }
  auto call = [&exchange, &handler, &body, &response] {
    const obs::TraceScope scope(exchange.request().trace);
    response = handler(exchange.request(), *body);
  };
  std::function<void()> work(call);
  const Status ran = co_await exchange.RunBlocking(std::move(work));
  if (!ran.ok()) response = ErrorResponse(ran);
  co_await exchange.Send(std::move(response));
}

}  // namespace

struct Server::Impl {
  Impl(ServerOptions options, obs::Metrics& metrics) : context(std::move(options), metrics) {}

  ServerContext context;
  std::mutex shutdown_mutex;
  bool started = false;
  int port = 0;
  // Declared after the context: coroutine frames that the io_context still holds refer to it.
  asio::io_context io;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> guard;
  std::optional<asio::ip::tcp::acceptor> acceptor;
  std::vector<std::thread> threads;

  Task<void> Accept();
  void Adopt(asio::ip::tcp::socket socket);
};

Task<void> Server::Impl::Accept() {
  asio::steady_timer pause(acceptor->get_executor());
  while (!context.draining) {
    error_code error;
    // A strand each, so that a connection needs no locks of its own whichever thread runs it.
    asio::any_io_executor strand = asio::make_strand(io);
    asio::ip::tcp::socket socket(strand);
    co_await acceptor->async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
    if (!error) {
      Adopt(std::move(socket));
      continue;
    }
    if (context.draining || error == asio::error::operation_aborted) break;
    // Out of descriptors, mostly: the backlog waits until connections end.
    log::Warn("cannot accept connections", {{"error", error.message()}});
    pause.expires_after(std::chrono::milliseconds(50));
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
  }
}

void Server::Impl::Adopt(asio::ip::tcp::socket socket) {
  const asio::any_io_executor executor = socket.get_executor();
  auto connection = std::make_shared<Connection>(context, std::move(socket));
  // Added before it is judged, so that a drain finds it in any case.
  const size_t open = context.connections.Add(connection);
  const bool room = open <= context.options.max_connections;
  if (room && connection->Enter()) {
    asio::co_spawn(executor, Connection::Serve(std::move(connection)), asio::detached);
    return;
  }
  const Reason reason = room ? Reason::kClientConnections : Reason::kConnections;
  connection->CountRefusal(reason);
  if (context.refusing.fetch_add(1) < kMaxRefusals) {
    asio::co_spawn(executor, Connection::Refuse(std::move(connection), reason), asio::detached);
  } else {
    --context.refusing;
    context.connections.Remove(connection.get());
  }
}

Server::Server(ServerOptions options, obs::Metrics& metrics) : impl_(std::make_unique<Impl>(std::move(options), metrics)) {}

Server::~Server() { Shutdown(std::chrono::milliseconds(0)); }

void Server::Route(std::string method, std::string pattern, Handler handler, std::optional<Scope> scope) {
  impl_->context.router.Add(std::move(method), pattern, impl_->context.routes.size());
  impl_->context.routes.push_back({std::move(pattern), std::move(handler), scope});
}

void Server::RouteSimple(std::string method, std::string pattern, SimpleHandler handler, std::optional<Scope> scope) {
  const size_t limit = impl_->context.options.simple_body_limit;
  Route(
      std::move(method), std::move(pattern),
      [simple = std::move(handler), limit](Exchange& exchange) { return RunSimple(exchange, simple, limit); }, scope);
}

void Server::SetAuthorizer(Authorizer authorizer) { impl_->context.authorizer = std::move(authorizer); }

void Server::OnResponse(std::function<void(const Request&, Response& head)> hook) { impl_->context.on_response = std::move(hook); }

Status Server::Start() {
  const ServerOptions& options = impl_->context.options;
  auto trusted = ParseCidrs(options.trusted_proxies);
  if (!trusted.ok()) return Annotate(trusted.status(), "VORA_TRUSTED_PROXIES");
  impl_->context.trusted = *std::move(trusted);
  if (const size_t room = MakeRoom(options.max_connections); room < options.max_connections) {
    log::Warn("fewer connections than wanted: the limit of open files (ulimit -n) is low",
              {{"wanted", options.max_connections}, {"connections", room}});
    impl_->context.options.max_connections = room;
  }
  auto endpoint = ParseListen(impl_->io, options.listen);
  if (!endpoint.ok()) return Annotate(endpoint.status(), options.listen_setting);
  error_code error;
  auto& acceptor = impl_->acceptor.emplace(asio::make_strand(impl_->io));
  acceptor.open(endpoint->protocol(), error);
  // After a restart connections of the old process may linger in TIME_WAIT on this port.
  if (!error) acceptor.set_option(asio::ip::tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(*endpoint, error);
  // Clients wait there while accepting pauses; the kernel may cap it (net.core.somaxconn).
  if (!error) acceptor.listen(4096, error);
  if (error) {
    const std::string reason = error == asio::error::address_in_use
                                   ? "address already in use; stop what listens there or set " + options.listen_setting
                                   : error.message() + "; set " + options.listen_setting + " to an address of this machine";
    impl_->acceptor.reset();
    return Unavailable("cannot listen on " + options.listen + ": " + reason);
  }
  impl_->port = acceptor.local_endpoint().port();
  impl_->context.pool = std::make_unique<ThreadPool>("http-work", static_cast<size_t>(options.blocking_threads), options.blocking_queue);
  impl_->guard.emplace(asio::make_work_guard(impl_->io));
  asio::co_spawn(acceptor.get_executor(), impl_->Accept(), asio::detached);
  for (int i = 0; i < std::max(1, options.io_threads); ++i) {
    impl_->threads.emplace_back([this] { impl_->io.run(); });
  }
  impl_->started = true;
  return absl::OkStatus();
}

int Server::port() const { return impl_->port; }

void Server::Shutdown(std::chrono::milliseconds budget) {
  const std::lock_guard lock(impl_->shutdown_mutex);
  if (!impl_->started) return;
  impl_->started = false;
  impl_->context.draining = true;
  // On its own strand, where Accept uses it.
  asio::post(impl_->acceptor->get_executor(), [this] {
    error_code ignored;
    impl_->acceptor->close(ignored);
  });
  Registry& connections = impl_->context.connections;
  connections.DrainAll();
  if (!connections.WaitEmpty(budget)) {
    connections.AbortAll();
    // Closed sockets only make their coroutines go on with an error; they still have to run to their end.
    connections.WaitEmpty(std::chrono::milliseconds(2000));
  }
  // Blocking work refers to its coroutine's frame: it must end before the frames may go.
  impl_->context.pool->Stop();
  impl_->guard.reset();
  impl_->io.stop();
  for (std::thread& thread : impl_->threads) thread.join();
  impl_->threads.clear();
  // The stop may have come before the posted close had its turn.
  error_code ignored;
  impl_->acceptor->close(ignored);
}

}  // namespace vora::http
