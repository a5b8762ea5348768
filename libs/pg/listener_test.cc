#include "libs/pg/listener.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "libs/pg/database.h"
#include "libs/pg/testing/test_postgres.h"

namespace vora::pg {
namespace {

class Inbox {
 public:
  void Put(const std::string& channel, const std::string& payload) {
    const std::lock_guard lock(mutex_);
    items_.push_back(channel + "=" + payload);
    wake_.notify_all();
  }
  std::string Take() {
    std::unique_lock lock(mutex_);
    if (!wake_.wait_for(lock, std::chrono::seconds(20), [this] { return !items_.empty(); })) return "nothing came";
    std::string item = items_.front();
    items_.pop_front();
    return item;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::string> items_;
};

class ListenerTest : public ::testing::Test {
 protected:
  void Notify(const std::string& channel, const std::string& payload) {
    EXPECT_EQ(ToText(db_.Transact([&](pqxx::work& tx) {
                tx.exec_params("SELECT pg_notify($1, $2)", channel, payload);
                return absl::OkStatus();
              })),
              "OK");
  }
  obs::Metrics metrics_;
  std::string url_ = TestPostgres::Shared().NewDatabase();
  Database db_{{.url = url_}, metrics_};
  Inbox inbox_;
};

TEST_F(ListenerTest, DeliversPayloads) {
  const Listener listener(url_, {"wake", "Other"}, [&](const auto& channel, const auto& payload) { inbox_.Put(channel, payload); });
  EXPECT_EQ(inbox_.Take(), "wake=");
  EXPECT_EQ(inbox_.Take(), "Other=");
  Notify("wake", "7");
  EXPECT_EQ(inbox_.Take(), "wake=7");
  Notify("Other", "8");
  EXPECT_EQ(inbox_.Take(), "Other=8");
}

TEST_F(ListenerTest, ListensAgainAfterARestart) {
  const Listener listener(url_, {"wake"}, [&](const auto& channel, const auto& payload) { inbox_.Put(channel, payload); });
  EXPECT_EQ(inbox_.Take(), "wake=");
  TestPostgres::Shared().Stop();
  TestPostgres::Shared().Start();
  EXPECT_EQ(inbox_.Take(), "wake=") << "an empty wake-up, since notifications may have been lost";
  Notify("wake", "again");
  EXPECT_EQ(inbox_.Take(), "wake=again");
}

TEST_F(ListenerTest, StopsWhileTheServerIsAway) {
  TestPostgres::Shared().Stop();
  const auto began = std::chrono::steady_clock::now();
  {
    const Listener listener(url_, {"wake"}, [](const auto&, const auto&) {});
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
  TestPostgres::Shared().Start();
}

}  // namespace
}  // namespace vora::pg
