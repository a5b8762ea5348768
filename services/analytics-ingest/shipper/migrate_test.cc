#include "services/analytics-ingest/shipper/migrate.h"

#include <thread>

#include "services/analytics-ingest/shipper/schema.h"
#include "services/analytics-ingest/shipper/shipper_fixture.h"

namespace vora::analytics {
namespace {

TEST(SplitStatements, KnowsLiteralsAndComments) {
  EXPECT_EQ(SplitStatements("-- a; b\nSELECT ';', 'it\\'s -- so' ; \n\n SELECT `x;y` -- end\n;  "),
            (std::vector<std::string>{"SELECT ';', 'it\\'s -- so' ", "SELECT `x;y` \n"}));
  EXPECT_TRUE(SplitStatements(" ;; -- nothing").empty());
}

TEST(Schema, OneTextForTheViewAndForOneBatch) {
  const std::string select = ViewSelect(), batch = SessionsOfBatch("0123", 20000);
  EXPECT_TRUE(select.starts_with("SELECT event_date"));
  EXPECT_NE(batch.find("WHERE event_date = toDate(20000) AND batch = '0123' AND type != 'delivery'"), std::string::npos) << batch;
  EXPECT_EQ(batch.size(),
            select.size() + std::string("INSERT INTO playback_sessions event_date = toDate(20000) AND batch = '0123' AND ").size());
}

class MigrateTest : public ShipperTest {};

TEST_P(MigrateTest, ManyAtOnceAndAgain) {
  std::vector<std::thread> replicas;
  for (int i = 0; i < 4; ++i) {
    replicas.emplace_back([&] { EXPECT_EQ(ToText(Migrate(*client_)), "OK"); });
  }
  for (std::thread& replica : replicas) replica.join();
  EXPECT_EQ(ToText(Migrate(*client_)), "OK");
  EXPECT_EQ(Ask("SELECT max(version) FROM schema_migrations"), std::to_string(Migrations().size()) + "\n");
  const std::string table = Ask("SELECT create_table_query FROM system.tables WHERE name = 'playback_events' AND database = " +
                                clickhouse::Quote(direct_options_.database));
  EXPECT_EQ(table.find("fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 1000") != std::string::npos,
            GetParam() == clickhouse::TestEngine::kCurrent)
      << table;
}

TEST_P(MigrateTest, ANewerSchemaIsLeftAlone) {
  ASSERT_EQ(ToText(Migrate(*client_)), "OK");
  Ask("INSERT INTO schema_migrations (version, name, applied) VALUES (9999, 'of the future', now())");
  EXPECT_EQ(ToText(Migrate(*client_)), "OK");
}

INSTANTIATE_TEST_SUITE_P(Engines, MigrateTest, testing::Values(clickhouse::TestEngine::kDebian, clickhouse::TestEngine::kCurrent),
                         EngineName);

}  // namespace
}  // namespace vora::analytics
