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

  // One more cluster, whose files are below `folder`, which user postgres must be able to reach.
  explicit TestPostgres(const std::string& folder);

  // The URL of a fresh, empty database (a libpq URI, TCP). Its files are in `tablespace`, when that is not empty.
  std::string NewDatabase(const std::string& tablespace = "");

  // For restart tests; idempotent, return when it is done. The port stays the same. Stop ends sessions at once (SIGINT, "fast");
  // Kill is a crash (SIGKILL of every process).
  void Start();
  void Stop();
  void Kill();

  int port() const;
  ~TestPostgres();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::pg
