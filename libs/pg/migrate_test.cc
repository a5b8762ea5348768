#include "libs/pg/migrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "libs/pg/testing/test_postgres.h"
#include "libs/testing/status_matchers.h"

namespace vora::pg {
namespace {

using ::testing::HasSubstr;

class MigrateTest : public ::testing::Test {
 protected:
  std::string Single(const std::string& sql) {
    std::string value;
    EXPECT_EQ(ToText(db_.Read([&](pqxx::nontransaction& tx) {
                value = tx.exec(sql)[0][0].as<std::string>();
                return absl::OkStatus();
              })),
              "OK");
    return value;
  }

  obs::Metrics metrics_;
  Database db_{{.url = TestPostgres::Shared().NewDatabase()}, metrics_};
  std::vector<Migration> migrations_ = {{1, "init", "CREATE TABLE a (id int); INSERT INTO a VALUES (1)"},
                                        {2, "more", "INSERT INTO a VALUES (2)"}};
};

TEST_F(MigrateTest, AppliesEachOnceInOrder) {
  EXPECT_EQ(ToText(Migrate(db_, "x", migrations_)), "OK");
  EXPECT_EQ(ToText(Migrate(db_, "x", migrations_)), "OK");
  migrations_.push_back({3, "third", "INSERT INTO a VALUES (3)"});
  EXPECT_EQ(ToText(Migrate(db_, "x", migrations_)), "OK");
  EXPECT_EQ(Single("SELECT string_agg(id::text, ',' ORDER BY id) FROM a"), "1,2,3");
}

TEST_F(MigrateTest, ReplicasThatStartTogetherTakeTurns) {
  std::vector<std::future<Status>> replicas;
  for (int i = 0; i < 8; ++i) {
    replicas.push_back(std::async(std::launch::async, [&] { return Migrate(db_, "x", migrations_); }));
  }
  for (auto& replica : replicas) EXPECT_EQ(ToText(replica.get()), "OK");
  EXPECT_EQ(Single("SELECT string_agg(id::text, ',' ORDER BY id) FROM a"), "1,2");
}

TEST_F(MigrateTest, TwoComponentsShareADatabase) {
  EXPECT_EQ(ToText(Migrate(db_, "x", migrations_)), "OK");
  EXPECT_EQ(ToText(Migrate(db_, "y", {{1, "init", "CREATE TABLE b (id int)"}})), "OK");
  EXPECT_EQ(Single("SELECT count(*) FROM vora_migrations"), "3");
}

TEST_F(MigrateTest, RefusesAnEditedMigration) {
  ASSERT_EQ(ToText(Migrate(db_, "x", migrations_)), "OK");
  migrations_[0].sql += " -- edited";
  const Status status = Migrate(db_, "x", migrations_);
  EXPECT_THAT(status, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(Message(status), HasSubstr("migration x/0001_init: was changed after it had been applied"));
}

TEST_F(MigrateTest, AFailedMigrationLeavesNothingBehind) {
  migrations_[1].sql = "INSERT INTO a VALUES (2); INSERT INTO nowhere VALUES (1)";
  const Status status = Migrate(db_, "x", migrations_);
  EXPECT_THAT(status, StatusIs(StatusCode::kInternal));
  EXPECT_THAT(Message(status), HasSubstr("migration x/0002_more"));
  EXPECT_THAT(Message(status), HasSubstr("nowhere"));
  EXPECT_EQ(Single("SELECT count(*) FROM a"), "1");
  EXPECT_EQ(Single("SELECT max(version) FROM vora_migrations"), "1");
}

TEST_F(MigrateTest, RefusesGaps) {
  migrations_[1].version = 3;
  EXPECT_THAT(Migrate(db_, "x", migrations_), StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace vora::pg
