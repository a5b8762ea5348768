#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <set>

#include "libs/clickhouse/exception.h"
#include "libs/clickhouse/framing.h"
#include "libs/http/server/server.h"
#include "tests/env/clickhouse-engine/engine.h"

namespace vora::tests {
namespace {

constexpr size_t kMaxBody = size_t{256} << 20;

// Parameters of the HTTP interface itself; all others are settings.
const std::set<std::string> kOwn = {"query",          "query_id",
                                    "database",       "decompress",
                                    "compress",       "user",
                                    "password",       "session_id",
                                    "default_format", "wait_end_of_query",
                                    "buffer_size",    "http_native_compression_disable_checksumming_on_decompress"};

http::Response Refuse(int status, const std::string& text) {
  http::Response response = http::Response::Text(status, text + "\n");
  if (const auto code = clickhouse::ExceptionCode(text)) response.headers.Set("X-ClickHouse-Exception-Code", std::to_string(*code));
  return response;
}

http::Response Answer(Engine& engine, const std::string& password, const http::Request& request, const std::string& body) {
  if (request.headers.GetOr("X-ClickHouse-Key", "") != password) {
    return Refuse(403, "Code: 516. DB::Exception: default: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)");
  }
  EngineQuery query;
  query.database = request.Query("database").value_or("default");
  query.sql = request.Query("query").value_or("");
  std::string content = body;
  if (request.Query("decompress") == "1") {
    auto plain = clickhouse::DecompressBlocks(body, kMaxBody);
    if (!plain.ok()) return Refuse(500, "Code: 33. DB::Exception: " + Message(plain.status()) + ". (CANNOT_READ_ALL_DATA)");
    content = std::move(*plain);
  }
  (query.sql.empty() ? query.sql : query.rows) = std::move(content);
  for (const auto& [name, value] : request.query) {
    if (!kOwn.contains(name)) query.settings[name] = value;
  }
  auto answer = engine.Run(query);
  return answer.ok() ? http::Response::Text(200, *answer) : Refuse(500, Message(answer.status()));
}

int Serve(const std::string& library, const std::string& folder, const std::string& listen, const std::string& password) {
  // Before threads are started, so that all of them leave the signals to sigwait.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  auto engine = Engine::Open(library, folder);
  if (!engine.ok()) {
    std::fprintf(stderr, "%s\n", ToText(engine.status()).c_str());
    return 1;
  }
  obs::Metrics metrics;
  http::ServerOptions options;
  options.listen = listen;
  options.simple_body_limit = kMaxBody;
  http::Server server(options, metrics);
  server.RouteSimple("GET", "/ping", [](const http::Request&, const std::string&) { return http::Response::Text(200, "Ok.\n"); });
  const auto handler = [&](const http::Request& request, const std::string& body) { return Answer(**engine, password, request, body); };
  server.RouteSimple("POST", "/", handler);
  server.RouteSimple("GET", "/", handler);
  if (const Status started = server.Start(); !started.ok()) {
    std::fprintf(stderr, "%s\n", ToText(started).c_str());
    return 1;
  }
  int signal = 0;
  sigwait(&ending, &signal);
  server.Shutdown(std::chrono::seconds(5));
  engine->reset();
  std::fflush(nullptr);
  _exit(0);  // the library's own threads do not end in order
}

}  // namespace
}  // namespace vora::tests

int main(int argc, char** argv) {
  if (argc < 4 || argc > 5) {
    std::fprintf(stderr, "Usage: clickhouse-engine LIBCHDB_SO DATA_FOLDER HOST:PORT [PASSWORD]\n");
    return 2;
  }
  return vora::tests::Serve(argv[1], argv[2], argv[3], argc == 5 ? argv[4] : "");
}
