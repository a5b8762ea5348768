#pragma once

// A private PostgreSQL cluster for tests: in a temporary folder, on a free port of 127.0.0.1, started on first use, shared by the whole
// test program and gone with it (also when the program is killed). Link `vora_pg_testing`.

#include <memory>
#include <string>

namespace vora::pg {

class TestPostgres {
 public:
  // The program's cluster, running. Aborts with a message when PostgreSQL cannot be started (is the package `postgresql` installed?).
  static TestPostgres& Shared();

  // The URL of a fresh, empty database (a libpq URI, TCP).
  std::string NewDatabase();

  // For restart tests; idempotent, return when it is done. The port stays the same. Stop ends sessions at once (SIGINT, "fast");
  // Kill is a crash (SIGKILL of every process).
  void Start();
  void Stop();
  void Kill();

  int port() const;
  ~TestPostgres();

 private:
  TestPostgres();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::pg
