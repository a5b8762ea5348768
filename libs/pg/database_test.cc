#include "libs/pg/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <thread>

#include "libs/pg/testing/test_postgres.h"
#include "libs/testing/status_matchers.h"

namespace vora::pg {
namespace {

using ::testing::HasSubstr;

class DatabaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    url_ = TestPostgres::Shared().NewDatabase();
    db_ = Make({.url = url_});
    ASSERT_EQ(ToText(Exec("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL CHECK (n >= 0));"
                          "CREATE TABLE child (id int REFERENCES t (id))")),
              "OK");
  }
  std::unique_ptr<Database> Make(DatabaseOptions options) { return std::make_unique<Database>(std::move(options), metrics_); }

  Status Exec(const std::string& sql) {
    return db_->Transact([&](pqxx::work& tx) {
      tx.exec(sql);
      return absl::OkStatus();
    });
  }
  int Number(const std::string& sql) {
    int value = -1;
    const Status status = db_->Read([&](pqxx::nontransaction& tx) {
      value = tx.exec(sql)[0][0].as<int>();
      return absl::OkStatus();
    });
    EXPECT_EQ(ToText(status), "OK");
    return value;
  }
  std::string Text(const std::string& sql) {
    std::string value;
    EXPECT_EQ(ToText(db_->Read([&](pqxx::nontransaction& tx) {
                value = tx.exec(sql)[0][0].as<std::string>();
                return absl::OkStatus();
              })),
              "OK");
    return value;
  }

  obs::Metrics metrics_;
  std::string url_;
  std::unique_ptr<Database> db_;
};

TEST_F(DatabaseTest, CommitsWhenTheBodyIsOk) {
  EXPECT_THAT(Exec("INSERT INTO t VALUES (1, 1)"), IsOk());
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 1);
  EXPECT_THAT(metrics_.Expose(), HasSubstr("vora_pg_transactions_total{result=\"committed\"}"));
  EXPECT_THAT(metrics_.Expose(), HasSubstr("vora_pg_pool_in_use 0"));
}

TEST_F(DatabaseTest, RollsBackWhenTheBodySaysNo) {
  int runs = 0;
  const Status status = db_->Transact([&](pqxx::work& tx) {
    ++runs;
    tx.exec("INSERT INTO t VALUES (1, 1)");
    return Aborted("lost the race");
  });
  EXPECT_EQ(ToText(status), "ABORTED: lost the race");
  EXPECT_EQ(runs, 1) << "a status of the body's own is never retried";
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 0);
}

TEST_F(DatabaseTest, RollsBackWhenTheBodyThrows) {
  const Status status = db_->Transact([&](pqxx::work& tx) -> Status {
    tx.exec("INSERT INTO t VALUES (1, 1)");
    throw std::runtime_error("boom");
  });
  EXPECT_THAT(status, StatusIs(StatusCode::kInternal));
  EXPECT_THAT(Message(status), HasSubstr("boom"));
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 0);
}

TEST_F(DatabaseTest, NamesWhatAConstraintRefused) {
  ASSERT_THAT(Exec("INSERT INTO t VALUES (1, 1)"), IsOk());
  EXPECT_THAT(Exec("INSERT INTO t VALUES (1, 2)"), StatusIs(StatusCode::kAlreadyExists));
  EXPECT_THAT(Exec("INSERT INTO t VALUES (2, -1)"), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(Exec("INSERT INTO t VALUES (2, NULL)"), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(Exec("INSERT INTO child VALUES (7)"), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(Exec("SELEC 1"), StatusIs(StatusCode::kInternal));
  EXPECT_THAT(Message(Exec("INSERT INTO t VALUES (1, 2)")), HasSubstr("t_pkey"));
}

// Two transactions read what the other writes under SERIALIZABLE: PostgreSQL must fail one of them with 40001.
TEST_F(DatabaseTest, RunsASerializationFailureAgain) {
  ASSERT_THAT(Exec("INSERT INTO t VALUES (1, 0), (2, 0)"), IsOk());
  std::latch both_read(2);
  std::atomic<int> runs{0};
  auto add = [&](int reads, int writes) {
    bool first = true;
    return db_->Transact([&, first](pqxx::work& tx) mutable {
      ++runs;
      tx.exec("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
      const int n = tx.exec("SELECT n FROM t WHERE id = " + std::to_string(reads))[0][0].as<int>();
      if (first) {
        first = false;
        both_read.arrive_and_wait();
      }
      tx.exec("UPDATE t SET n = " + std::to_string(n + 1) + " WHERE id = " + std::to_string(writes));
      return absl::OkStatus();
    });
  };
  auto other = std::async(std::launch::async, add, 1, 2);
  EXPECT_EQ(ToText(add(2, 1)), "OK");
  EXPECT_EQ(ToText(other.get()), "OK");
  EXPECT_GE(runs, 3);
  EXPECT_EQ(Number("SELECT sum(n) FROM t"), 3) << "one after the other: 1 and 2";
}

TEST_F(DatabaseTest, RunsADeadlockVictimAgain) {
  ASSERT_THAT(Exec("INSERT INTO t VALUES (1, 0), (2, 0)"), IsOk());
  std::latch both_locked(2);
  auto lock_both = [&](int a, int b) {
    bool first = true;
    return db_->Transact([&, first](pqxx::work& tx) mutable {
      tx.exec("UPDATE t SET n = n + 1 WHERE id = " + std::to_string(a));
      if (first) {
        first = false;
        both_locked.arrive_and_wait();
      }
      tx.exec("UPDATE t SET n = n + 1 WHERE id = " + std::to_string(b));
      return absl::OkStatus();
    });
  };
  auto other = std::async(std::launch::async, lock_both, 1, 2);
  EXPECT_EQ(ToText(lock_both(2, 1)), "OK");
  EXPECT_EQ(ToText(other.get()), "OK");
  EXPECT_EQ(Number("SELECT sum(n) FROM t"), 4);
}

TEST_F(DatabaseTest, SaysSoWhenThePoolIsExhausted) {
  auto small = Make({.url = url_, .max_connections = 1, .acquire_timeout = std::chrono::milliseconds(50)});
  const Status outer = small->Transact([&](pqxx::work&) {
    const Status inner = small->Read([](pqxx::nontransaction&) { return absl::OkStatus(); });
    EXPECT_THAT(inner, StatusIs(StatusCode::kUnavailable));
    EXPECT_THAT(Message(inner), HasSubstr("all 1 PostgreSQL connections are busy"));
    return absl::OkStatus();
  });
  EXPECT_EQ(ToText(outer), "OK");
  EXPECT_EQ(ToText(small->Ping()), "OK") << "given back";
}

TEST_F(DatabaseTest, EndsAStatementThatTakesTooLong) {
  auto impatient = Make({.url = url_, .statement_timeout = std::chrono::milliseconds(100)});
  const Status status = impatient->Transact([](pqxx::work& tx) {
    tx.exec("SELECT pg_sleep(60)");
    return absl::OkStatus();
  });
  EXPECT_THAT(status, StatusIs(StatusCode::kDeadlineExceeded)) << ToText(status);
}

TEST_F(DatabaseTest, EverySessionIsSetUp) {
  EXPECT_EQ(Text("SHOW statement_timeout"), "10s");
  EXPECT_EQ(Text("SHOW application_name"), "vora");
}

TEST_F(DatabaseTest, RunsAgainOnAnotherConnectionWhenOneIsLost) {
  int runs = 0;
  const Status status = db_->Transact([&](pqxx::work& tx) {
    if (++runs == 1) {
      auto killer = Make({.url = url_});
      const int pid = tx.exec("SELECT pg_backend_pid()")[0][0].as<int>();
      EXPECT_THAT(killer->Read([&](pqxx::nontransaction& other) {
        other.exec("SELECT pg_terminate_backend(" + std::to_string(pid) + ", 5000)");
        return absl::OkStatus();
      }),
                  IsOk());
    }
    tx.exec("INSERT INTO t VALUES (1, 1)");
    return absl::OkStatus();
  });
  EXPECT_EQ(ToText(status), "OK");
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 1);
  EXPECT_EQ(Text("SHOW statement_timeout"), "10s") << "the new session is set up as well";
}

// A deferred trigger runs inside COMMIT, and ends the session there: what became of the transaction cannot be known.
TEST_F(DatabaseTest, ACommitOfUnknownOutcomeIsNeverRepeated) {
  ASSERT_EQ(ToText(Exec("CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
                        " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';"
                        "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED"
                        " FOR EACH ROW EXECUTE FUNCTION die()")),
            "OK");
  int runs = 0;
  const Status status = db_->Transact([&](pqxx::work& tx) {
    ++runs;
    tx.exec("INSERT INTO t VALUES (1, 1)");
    return absl::OkStatus();
  });
  EXPECT_THAT(status, StatusIs(StatusCode::kUnavailable)) << ToText(status);
  EXPECT_THAT(Message(status), HasSubstr("in doubt"));
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 0) << "and the pool goes on with another connection";
}

TEST_F(DatabaseTest, IsUnavailableWhilePostgresIsDownAndRecoversByItself) {
  ASSERT_THAT(Exec("INSERT INTO t VALUES (1, 1)"), IsOk());
  for (const bool crash : {false, true}) {
    if (crash) {
      TestPostgres::Shared().Kill();
    } else {
      TestPostgres::Shared().Stop();
    }
    const Status down = Exec("INSERT INTO t VALUES (2, 2)");
    EXPECT_THAT(down, StatusIs(StatusCode::kUnavailable)) << ToText(down);
    EXPECT_THAT(Make({.url = url_})->Ping(), StatusIs(StatusCode::kUnavailable));
    TestPostgres::Shared().Start();
    EXPECT_EQ(Number("SELECT count(*) FROM t"), 1) << "what was committed is there, nothing else";
    EXPECT_EQ(ToText(Make({.url = url_})->Ping()), "OK");
  }
}

TEST_F(DatabaseTest, AnUnreadableUrlDoesNotShowItsPassword) {
  auto bad = Make({.url = "postgresql://u:secret@host:port:x/%zz"});
  const Status status = bad->Ping();
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument)) << ToText(status);
  EXPECT_THAT(Message(status), Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace vora::pg
