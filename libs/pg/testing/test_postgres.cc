#include "libs/pg/testing/test_postgres.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "libs/testing/free_port.h"
#include "libs/testing/logged_process.h"

// libpqxx 6.4 loses a result when the server closes the connection under a statement.
extern "C" const char* __lsan_default_suppressions() { return "leak:libpqxx-6.4.so\n"; }

namespace vora::pg {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "test PostgreSQL: %s\n", what.c_str());
  std::abort();
}

// The newest server's programs.
fs::path FindBin() {
  fs::path best;
  std::error_code ignored;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const fs::path bin = version.path() / "bin";
    if (fs::exists(bin / "initdb") && bin > best) best = bin;
  }
  if (best.empty()) Die("no initdb under /usr/lib/postgresql; install the package postgresql");
  return best;
}

// PostgreSQL refuses to run as root: then it runs as user postgres, who may look through the private folders above its own.
std::vector<std::string> AsServerUser(std::vector<std::string> command) {
  if (geteuid() != 0) return command;
  std::vector<std::string> out = {"setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"};
  // Not to be had in every container.
  if (prctl(PR_CAPBSET_READ, CAP_DAC_READ_SEARCH) == 1) {
    out.insert(out.end(), {"--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"});
  }
  out.insert(out.end(), command.begin(), command.end());
  return out;
}

pid_t Spawn(const std::vector<std::string>& command, const std::string& log) {
  return StartLogged(command, log, /*dies_with_thread=*/false);
}

}  // namespace

struct TestPostgres::Impl {
  fs::path bin = FindBin();
  fs::path root;
  std::string log;
  int port = 0;
  pid_t server = -1;
  pid_t keeper = -1;
  int keeper_pipe = -1;
  std::atomic<int> databases{0};

  void MakeCluster(const fs::path& folder);
  void StartKeeper();
  std::string Url(const std::string& database) const;
  bool Answers() const;
  void Launch();
  void WaitExit();
};

void TestPostgres::Impl::MakeCluster(const fs::path& folder) {
  std::string pattern = (folder / "vora-test-pg-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) Die("cannot make a folder " + pattern);
  root = pattern;
  log = root / "log";
  if (geteuid() == 0) {
    const passwd* user = getpwnam("postgres");
    if (user == nullptr) Die("there is no user postgres to run as");
    if (chown(root.c_str(), user->pw_uid, user->pw_gid) != 0) Die("cannot chown " + root.string());
  }
  const pid_t child = Spawn(AsServerUser({bin / "initdb", "-D", root / "data", "-U", "vora", "-A", "trust", "-E", "UTF8",
                                          "--locale=C.UTF-8", "--no-sync", "--no-instructions", "--wal-segsize=1"}),
                            log);
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0) Die("initdb failed:\n" + TailOfFile(log));
  port = FreePort();
}

// A process of its own, outside the test's process group, that sees the end of the pipe when the test is gone for whatever reason, and then
// kills the server and removes the folder. A signal bound to the parent's death does not survive the change of user.
void TestPostgres::Impl::StartKeeper() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) Die("pipe");
  const std::string script = "read line; pid=$(head -n 1 '" + (root / "data/postmaster.pid").string() +
                             "' 2>/dev/null); if [ -n \"$pid\" ]; then kill -QUIT $pid; i=0; while kill -0 $pid 2>/dev/null && [ $i -lt "
                             "200 ]; do i=$((i + 1)); sleep 0.05; done; fi; rm -rf '" +
                             root.string() + "'";
  keeper = fork();
  if (keeper == 0) {
    setsid();
    dup2(ends[0], 0);
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    dup2(null, 2);
    execl("/bin/sh", "sh", "-c", script.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  close(ends[0]);
  keeper_pipe = ends[1];
}

std::string TestPostgres::Impl::Url(const std::string& database) const {
  return "postgresql://vora@127.0.0.1:" + std::to_string(port) + "/" + database;
}

bool TestPostgres::Impl::Answers() const {
  PGconn* connection = PQconnectdb((Url("postgres") + "?connect_timeout=2").c_str());
  const bool ok = PQstatus(connection) == CONNECTION_OK;
  PQfinish(connection);
  return ok;
}

// Tests kill processes, never the machine: what was written is there without fsync.
void TestPostgres::Impl::Launch() {
  server = Spawn(AsServerUser({bin / "postgres", "-D", root / "data", "-p", std::to_string(port), "-h", "127.0.0.1", "-k", root, "-c",
                               "max_connections=200", "-c", "shared_buffers=64MB", "-c", "fsync=off", "-c", "log_line_prefix=%m [%p] "}),
                 log);
}

void TestPostgres::Impl::WaitExit() {
  if (server < 0) return;
  waitpid(server, nullptr, 0);
  server = -1;
}

TestPostgres::TestPostgres(const std::string& folder) : impl_(std::make_unique<Impl>()) {
  impl_->MakeCluster(folder);
  impl_->StartKeeper();
  Start();
}

TestPostgres::~TestPostgres() {
  if (impl_->server > 0) {
    kill(impl_->server, SIGQUIT);
    impl_->WaitExit();
  }
  close(impl_->keeper_pipe);
  waitpid(impl_->keeper, nullptr, 0);
}

TestPostgres& TestPostgres::Shared() {
  static TestPostgres shared(fs::temp_directory_path());
  return shared;
}

void TestPostgres::Start() {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  if (impl_->server < 0) impl_->Launch();
  while (!impl_->Answers()) {
    if (std::chrono::steady_clock::now() > until) Die("the server does not answer:\n" + TailOfFile(impl_->log));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    // After Kill the first ones may find the shared memory still in use.
    if (waitpid(impl_->server, nullptr, WNOHANG) == impl_->server) impl_->Launch();
  }
}

void TestPostgres::Stop() {
  if (impl_->server < 0) return;
  kill(impl_->server, SIGINT);
  impl_->WaitExit();
}

void TestPostgres::Kill() {
  if (impl_->server < 0) return;
  // Its backends too, which would answer until they notice the postmaster's death; a new one waits for them through the shared memory
  // block.
  const std::string self = std::to_string(impl_->server);
  std::ifstream children("/proc/" + self + "/task/" + self + "/children");
  std::vector<pid_t> backends;
  for (pid_t child = 0; children >> child;) backends.push_back(child);
  kill(impl_->server, SIGKILL);
  for (const pid_t backend : backends) kill(backend, SIGKILL);
  impl_->WaitExit();
}

std::string TestPostgres::NewDatabase(const std::string& tablespace) {
  const std::string name = "test_" + std::to_string(++impl_->databases);
  PGconn* connection = PQconnectdb(impl_->Url("postgres").c_str());
  PGresult* result = PQexec(connection, ("CREATE DATABASE " + name + (tablespace.empty() ? "" : " TABLESPACE " + tablespace)).c_str());
  if (PQresultStatus(result) != PGRES_COMMAND_OK) Die(std::string("CREATE DATABASE: ") + PQerrorMessage(connection));
  PQclear(result);
  PQfinish(connection);
  return impl_->Url(name);
}

int TestPostgres::port() const { return impl_->port; }

}  // namespace vora::pg
