#include "libs/clickhouse/testing/test_clickhouse.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "libs/testing/free_port.h"
#include "libs/testing/logged_process.h"

namespace vora::clickhouse {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "test ClickHouse: %s\n", what.c_str());
  std::abort();
}

std::string FindServer() {
  for (const char* path : {"/usr/sbin/clickhouse-server", "/usr/bin/clickhouse-server", "/usr/local/bin/clickhouse-server"}) {
    if (access(path, X_OK) == 0) return path;
  }
  return "";
}

std::string Library() {
  const char* path = std::getenv("VORA_TEST_CHDB");
  return path == nullptr ? "" : path;
}

// Of the test's own folder, hence next to it: every program lies in the build's bin.
std::string Bridge() { return (fs::read_symlink("/proc/self/exe").parent_path() / "clickhouse-engine").string(); }

void Write(const fs::path& path, const std::string& text) {
  std::ofstream out(path);
  out << text;
  if (!out.flush()) Die("cannot write " + path.string());
}

// It dies with the thread that started it: the tests start servers from their main thread. Nothing may depend on the server's time zone:
// here midnight is far from that of UTC.
pid_t Spawn(const std::vector<std::string>& command, const std::string& log) {
  return StartLogged(command, log, /*dies_with_thread=*/true, {{"TZ", "Pacific/Auckland"}});
}

// Thousands of small files: in memory where there is plenty.
fs::path Place() {
  std::error_code error;
  const auto space = fs::space("/dev/shm", error);
  const bool memory = !error && space.available > (uintmax_t{2} << 30) && access("/dev/shm", W_OK) == 0;
  return memory ? fs::path("/dev/shm") : fs::temp_directory_path();
}

// A process of its own, outside the test's process group, that removes the folder when the test is gone for whatever reason.
int StartSweeper(const fs::path& folder) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) Die("pipe");
  // The server is given time to die; it may have been the last to write.
  const std::string script = "read line; for i in 1 2 3; do rm -rf '" + folder.string() + "' && exit; sleep 1; done";
  const pid_t sweeper = fork();
  if (sweeper == 0) {
    setsid();
    dup2(ends[0], 0);
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    dup2(null, 2);
    execl("/bin/sh", "sh", "-c", script.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  close(ends[0]);
  return ends[1];
}

}  // namespace

std::string Missing(TestEngine engine) {
  if (engine == TestEngine::kDebian) return FindServer().empty() ? "no clickhouse-server; install the package clickhouse-server" : "";
  return Library().empty() ? "VORA_TEST_CHDB is not set: it names libchdb.so" : "";
}

struct TestClickHouse::Impl {
  TestEngine engine;
  fs::path root;
  std::string log;
  int port = 0, tcp_port = 0;
  pid_t server = -1;
  int sweeper = -1;
  std::atomic<int> databases{0};

  void WriteConfig() const;
  bool Answers() const;
  void Launch();
  void WaitExit();
};

void TestClickHouse::Impl::WriteConfig() const {
  const std::string here = root.string();
  Write(root / "config.xml",
        "<?xml version=\"1.0\"?>\n<yandex><logger><level>information</level><console>1</console></logger><http_port>" +
            std::to_string(port) + "</http_port><tcp_port>" + std::to_string(tcp_port) +
            "</tcp_port><listen_host>127.0.0.1</listen_host><path>" + here + "/data/</path><tmp_path>" + here +
            "/tmp/</tmp_path><user_files_path>" + here +
            "/files/</user_files_path><mark_cache_size>67108864</mark_cache_size><users_config>users.xml</users_config>"
            "<default_profile>default</default_profile><default_database>default</default_database></yandex>\n");
  Write(
      root / "users.xml",
      "<?xml "
      "version=\"1.0\"?>\n<yandex><profiles><default><max_memory_usage>2000000000</max_memory_usage></default></profiles><users><default>"
      "<password>secret</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>"
      "<quotas><default/></quotas></yandex>\n");
}

bool TestClickHouse::Impl::Answers() const {
  Options options;
  options.url = "http://127.0.0.1:" + std::to_string(port);
  options.password = "secret";
  options.database = "system";
  options.timeout = std::chrono::seconds(5);
  return Client(options).ServerVersion().ok();
}

void TestClickHouse::Impl::Launch() {
  if (engine == TestEngine::kDebian) {
    server = Spawn({FindServer(), "--config-file=" + (root / "config.xml").string()}, log);
  } else {
    if (!fs::exists(Library()) || !fs::exists(Bridge())) Die("no file " + Library() + " or " + Bridge());
    server = Spawn({Bridge(), Library(), (root / "data").string(), "127.0.0.1:" + std::to_string(port), "secret"}, log);
  }
}

void TestClickHouse::Impl::WaitExit() {
  waitpid(server, nullptr, 0);
  server = -1;
}

TestClickHouse::TestClickHouse(TestEngine engine) : impl_(std::make_unique<Impl>()) {
  if (const std::string missing = Missing(engine); !missing.empty()) Die(missing);
  impl_->engine = engine;
  std::string pattern = (Place() / "vora-test-ch-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) Die("cannot make a folder " + pattern);
  impl_->root = pattern;
  impl_->sweeper = StartSweeper(impl_->root);
  impl_->log = impl_->root / "log";
  impl_->port = FreePort();
  impl_->tcp_port = FreePort();
  for (const char* folder : {"data", "tmp", "files"}) fs::create_directories(impl_->root / folder);
  impl_->WriteConfig();
  Start();
}

TestClickHouse::~TestClickHouse() {
  Kill();
  close(impl_->sweeper);
}

TestClickHouse& TestClickHouse::Shared(TestEngine engine) {
  if (engine == TestEngine::kDebian) {
    static TestClickHouse debian(TestEngine::kDebian);
    return debian;
  }
  static TestClickHouse current(TestEngine::kCurrent);
  return current;
}

void TestClickHouse::Start() {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  if (impl_->server < 0) impl_->Launch();
  while (!impl_->Answers()) {
    if (std::chrono::steady_clock::now() > until) Die("the server does not answer:\n" + TailOfFile(impl_->log));
    if (waitpid(impl_->server, nullptr, WNOHANG) == impl_->server) Die("the server ended:\n" + TailOfFile(impl_->log));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void TestClickHouse::Stop() {
  if (impl_->server < 0) return;
  kill(impl_->server, SIGTERM);
  impl_->WaitExit();
}

void TestClickHouse::Kill() {
  if (impl_->server < 0) return;
  kill(impl_->server, SIGKILL);
  impl_->WaitExit();
}

void TestClickHouse::Suspend() {
  kill(impl_->server, SIGSTOP);
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(impl_->server), &info, WSTOPPED);
}

void TestClickHouse::Resume() { kill(impl_->server, SIGCONT); }

Options TestClickHouse::NewDatabase() {
  Options options;
  options.url = "http://127.0.0.1:" + std::to_string(impl_->port);
  options.password = "secret";
  options.database = "test_" + std::to_string(++impl_->databases);
  return options;
}

int TestClickHouse::port() const { return impl_->port; }

}  // namespace vora::clickhouse
