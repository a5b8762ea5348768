// vora-bench-engine-bare URL OPEN THREADS SECONDS WARM_UP: the least that keeps the promises of a chain of three activities, straight on
// PostgreSQL by libpq's synchronous calls. No gRPC, no definitions, no leases that end, no other workers' processes.
//
// Three tables: runs (state and length of the history), events (append-only history), tasks (rows only while they are open). A transition
// is one transaction, which is one prepared statement, so one round trip: 7 for each chain.
//   start     inserts the run, two events (started, scheduled) and the first task
//   claim     takes the oldest ready task, which nobody else is taking (SKIP LOCKED), and counts up its lease; three times
//   complete  by the lease's number: deletes the task, inserts two events (completed, and scheduled or closed) and the next task, updates
//   the
//             run; three times
// THREADS threads have a connection each, claim whatever is ready and complete it; who closes a chain starts another, so that OPEN are
// open. Prints `RESULT per_second cpu_seconds`.

#include <libpq-fe.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kTables = R"(
  DROP TABLE IF EXISTS runs, events, tasks;
  CREATE TABLE runs (run_id bigint PRIMARY KEY, status text NOT NULL, length bigint NOT NULL, started timestamptz NOT NULL, closed timestamptz,
                     result text);
  CREATE TABLE events (run_id bigint, event_id bigint, type text NOT NULL, time timestamptz NOT NULL, attributes text NOT NULL,
                       PRIMARY KEY (run_id, event_id));
  CREATE TABLE tasks (run_id bigint, event_id bigint, seq bigint GENERATED ALWAYS AS IDENTITY, state text NOT NULL, lease bigint NOT NULL,
                      input text NOT NULL, PRIMARY KEY (run_id, event_id))
    WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
  CREATE INDEX tasks_ready ON tasks (seq) WHERE state = 'SCHEDULED')";

constexpr const char* kStart = R"(
  WITH run AS (INSERT INTO runs VALUES ($1, 'RUNNING', 2, now())),
       event AS (INSERT INTO events VALUES ($1, 1, 'STARTED', now(), '{"activities":3}'), ($1, 2, 'SCHEDULED', now(), '{"activity":0}'))
  INSERT INTO tasks (run_id, event_id, state, lease, input) VALUES ($1, 2, 'SCHEDULED', 0, '{}'))";

constexpr const char* kClaim = R"(
  UPDATE tasks SET state = 'STARTED', lease = lease + 1
  WHERE (run_id, event_id) = (SELECT run_id, event_id FROM tasks WHERE state = 'SCHEDULED' ORDER BY seq LIMIT 1 FOR UPDATE SKIP LOCKED)
  RETURNING run_id, event_id, lease)";

// Events 2, 4 and 6 are the activities.
constexpr const char* kCompleteOne = R"(
  WITH done AS (DELETE FROM tasks WHERE run_id = $1 AND event_id = $2 AND lease = $3 AND state = 'STARTED' RETURNING run_id),
       run AS (UPDATE runs SET length = length + 2 FROM done WHERE runs.run_id = done.run_id AND status = 'RUNNING' RETURNING runs.run_id, length),
       event AS (INSERT INTO events SELECT run_id, length - 1, 'COMPLETED', now(), '{"result":"{}"}' FROM run
                 UNION ALL SELECT run_id, length, 'SCHEDULED', now(), '{"activity":1}' FROM run)
  INSERT INTO tasks (run_id, event_id, state, lease, input) SELECT run_id, length, 'SCHEDULED', 0, '{}' FROM run RETURNING run_id)";

constexpr const char* kCompleteLast = R"(
  WITH done AS (DELETE FROM tasks WHERE run_id = $1 AND event_id = $2 AND lease = $3 AND state = 'STARTED' RETURNING run_id),
       run AS (UPDATE runs SET length = length + 2, status = 'COMPLETED', closed = now(), result = '{}' FROM done
               WHERE runs.run_id = done.run_id AND status = 'RUNNING' RETURNING runs.run_id, length)
  INSERT INTO events SELECT run_id, length - 1, 'COMPLETED', now(), '{"result":"{}"}' FROM run
                     UNION ALL SELECT run_id, length, 'CLOSED', now(), '{"result":"{}"}' FROM run RETURNING run_id)";

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "vora-bench-engine-bare: %s\n", why.c_str());
  std::_Exit(1);
}

class Connection {
 public:
  explicit Connection(const char* url) : connection_(PQconnectdb(url)) {
    if (PQstatus(connection_) != CONNECTION_OK) Die(PQerrorMessage(connection_));
  }
  Connection(const Connection&) = delete;
  ~Connection() {
    PQclear(result_);
    PQfinish(connection_);
  }
  void Script(const char* sql) { Take(PQexec(connection_, sql)); }
  void Prepare(const char* name, const char* sql) { Take(PQprepare(connection_, name, sql, 0, nullptr)); }
  // Rows that it gave.
  int Run(const char* name, const std::vector<std::string>& values = {}) {
    std::array<const char*, 3> texts{};
    for (size_t i = 0; i < values.size(); ++i) texts[i] = values[i].c_str();
    Take(PQexecPrepared(connection_, name, static_cast<int>(values.size()), texts.data(), nullptr, nullptr, 0));
    return PQntuples(result_);
  }
  std::string Value(int column) const { return PQgetvalue(result_, 0, column); }

 private:
  void Take(PGresult* result) {
    PQclear(result_);
    result_ = result;
    const auto status = PQresultStatus(result_);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) Die(PQerrorMessage(connection_));
  }
  PGconn* connection_;
  PGresult* result_ = nullptr;
};

struct Shared {
  Clock::time_point counted, end;
  std::atomic<int64_t> next_run{1}, closed{0};
};

void Start(Connection& db, Shared& shared) { db.Run("start", {std::to_string(shared.next_run++)}); }

void Work(Connection& db, Shared& shared) {
  while (true) {
    const auto now = Clock::now();
    if (now >= shared.end) return;
    if (db.Run("claim") == 0) continue;
    const std::vector<std::string> task{db.Value(0), db.Value(1), db.Value(2)};
    const bool last = task[1] == "6";
    if (db.Run(last ? "complete_last" : "complete_one", task) == 0) Die("a completion was not taken");
    if (!last) continue;
    const auto closed = Clock::now();
    if (closed >= shared.counted && closed < shared.end) ++shared.closed;
    Start(db, shared);
  }
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const char* url = argv[1];
  const int open = std::atoi(argv[2]), count = std::atoi(argv[3]);
  const double seconds = std::atof(argv[4]), warm_up = std::atof(argv[5]);
  Connection setup(url);
  setup.Script(kTables);
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < count; ++i) {
    connections.push_back(std::make_unique<Connection>(url));
    connections.back()->Prepare("start", kStart);
    connections.back()->Prepare("claim", kClaim);
    connections.back()->Prepare("complete_one", kCompleteOne);
    connections.back()->Prepare("complete_last", kCompleteLast);
  }
  Shared shared;
  for (int i = 0; i < open; ++i) Start(*connections.front(), shared);
  const auto duration = [](double s) { return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s)); };
  shared.counted = Clock::now() + duration(warm_up);
  shared.end = shared.counted + duration(seconds);
  std::vector<std::thread> threads;
  for (auto& connection : connections) threads.emplace_back([&] { Work(*connection, shared); });
  for (auto& thread : threads) thread.join();
  std::printf("RESULT %.1f %.2f\n", static_cast<double>(shared.closed) / seconds, CpuSeconds());
  return 0;
}
