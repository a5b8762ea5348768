#pragma once

// A private ClickHouse for tests: in a temporary folder (in memory where there is room), on free ports of 127.0.0.1, gone with the test
// program (also when that is killed). Two engines: Debian's clickhouse-server (18.16), and a current one in a small program over libchdb
// (tests/env/clickhouse-engine), which runs one query at a time. Link `vora_clickhouse_testing`.

#include <memory>
#include <string>

#include "libs/clickhouse/client.h"

namespace vora::clickhouse {

enum class TestEngine { kDebian, kCurrent };

// Why tests of `engine` may be skipped here, "" when they may not: the package is not installed, or VORA_TEST_CHDB does not name a
// libchdb.so (a file that is not there is a failure).
std::string Missing(TestEngine engine);

class TestClickHouse {
 public:
  // The program's server of that engine, running. Aborts with a message when it cannot be started.
  static TestClickHouse& Shared(TestEngine engine);
  ~TestClickHouse();

  // Options with a database name that was not used before; the database is not there yet.
  Options NewDatabase();

  // Idempotent, return when it is done; the port stays the same. Stop ends it in order (SIGTERM), Kill is a crash. Suspend is SIGSTOP:
  // connections are still accepted by the kernel, nothing is answered.
  void Start();
  void Stop();
  void Kill();
  void Suspend();
  void Resume();

  int port() const;

 private:
  explicit TestClickHouse(TestEngine engine);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::clickhouse
