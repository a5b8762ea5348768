// PostgreSQL's disk runs full, and has room again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <map>
#include <optional>

#include "libs/core/ids.h"
#include "libs/pg/database.h"
#include "libs/pg/testing/test_postgres.h"
#include "libs/rpc/call.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"
#include "libs/workflow/testing/test_orchestrator.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::workflow {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr milliseconds kCallTimeout{30'000};

// A file system of its own for user postgres.
class SmallDisk {
 public:
  explicit SmallDisk(int megabytes) { mounted_ = Mount(megabytes, 0) && chown(path().c_str(), Owner(), static_cast<gid_t>(-1)) == 0; }
  ~SmallDisk() {
    if (mounted_) umount2(path().c_str(), MNT_DETACH);
  }
  // Only root may.
  bool mounted() const { return mounted_; }
  const std::string& path() const { return folder_.path(); }
  bool Resize(int megabytes) { return Mount(megabytes, MS_REMOUNT); }

 private:
  bool Mount(int megabytes, unsigned long flags) {
    return mount("tmpfs", path().c_str(), "tmpfs", flags, ("size=" + std::to_string(megabytes) + "m,mode=0755").c_str()) == 0;
  }
  static uid_t Owner() {
    const passwd* user = geteuid() == 0 ? getpwnam("postgres") : nullptr;
    return user ? user->pw_uid : geteuid();
  }
  TempFolder folder_;
  bool mounted_ = false;
};

class FullDiskTest : public ::testing::Test {
 protected:
  void Open(const std::string& database) {
    orchestrator_ = std::make_unique<TestOrchestrator>(database);
    const auto channel = rpc::Connect(orchestrator_->address());
    workflows_ = v1::WorkflowService::NewStub(channel);
    activities_ = v1::ActivityService::NewStub(channel);
  }
  // Half a megabyte that cannot be made smaller.
  StatusOr<v1::StartWorkflowResponse> Start(const std::string& id) {
    v1::StartWorkflowRequest request;
    request.set_workflow_id(id);
    request.set_type("Script");
    request.set_request_id(id);
    request.set_input(R"({"steps": [{"activity": "a", "input": ")" + RandomHex(256 << 10) + "\"}]}");
    return rpc::Call(*workflows_, &v1::WorkflowService::Stub::StartWorkflow, request, kCallTimeout);
  }
  Status Complete(const v1::ActivityTask& task, const std::string& result) {
    v1::CompleteActivityRequest request;
    request.set_task_token(task.task_token());
    request.set_result(result);
    return rpc::Call(*activities_, &v1::ActivityService::Stub::CompleteActivity, request, kCallTimeout).status();
  }
  StatusOr<v1::ActivityTask> Claim() {
    v1::PollActivitiesRequest request;
    request.set_queue("test");
    request.set_worker_id("tester");
    request.set_max_tasks(1);
    VORA_ASSIGN_OR_RETURN(const auto response, rpc::Call(*activities_, &v1::ActivityService::Stub::PollActivities, request, kCallTimeout));
    if (response.tasks().empty()) return NotFound("no task");
    return response.tasks(0);
  }
  v1::WorkflowStatus StatusOf(const std::string& id) {
    v1::DescribeWorkflowRequest request;
    request.set_workflow_id(id);
    const auto described = rpc::Call(*workflows_, &v1::WorkflowService::Stub::DescribeWorkflow, request, kCallTimeout);
    return described.ok() ? described->info().status() : v1::WORKFLOW_STATUS_UNSPECIFIED;
  }

  // Starts runs until that is refused; what refused it.
  Status Fill() {
    for (int i = 0; i < 1000; ++i) {
      const std::string id = "w" + std::to_string(i);
      const auto started = Start(id);
      if (!started.ok()) return started.status();
      runs_[id] = started->run_id();
    }
    return {};
  }
  // With room again: what was acknowledged is there, and all of it, and what was refused, comes to its end.
  void Heals(const std::string& refused) {
    ASSERT_TRUE(Eventually([&] { return Start(refused).ok(); }));
    runs_[refused];
    size_t done = 0;
    ASSERT_TRUE(Eventually([&] {
      const auto task = Claim();
      if (task.ok() && Complete(*task, "{}").ok()) ++done;
      return done >= runs_.size();
    }));
    for (const auto& [id, run_id] : runs_) {
      EXPECT_EQ(StatusOf(id), v1::WORKFLOW_STATUS_COMPLETED) << id;
      const auto again = Start(id);
      ASSERT_THAT(again, IsOk());
      EXPECT_FALSE(again->started()) << id;
      if (!run_id.empty()) {
        EXPECT_EQ(again->run_id(), run_id);
      }
    }
  }

  std::map<std::string, std::string> runs_;  // that were acknowledged
  std::optional<SmallDisk> disk_;
  std::unique_ptr<pg::TestPostgres> server_;
  std::unique_ptr<TestOrchestrator> orchestrator_;
  std::unique_ptr<v1::WorkflowService::Stub> workflows_;
  std::unique_ptr<v1::ActivityService::Stub> activities_;
};

TEST_F(FullDiskTest, CallersAreToldAndEverythingGoesOnWhenThereIsRoomAgain) {
  disk_.emplace(24);
  if (!disk_->mounted()) GTEST_SKIP() << "mounts need root";
  server_ = std::make_unique<pg::TestPostgres>(std::filesystem::temp_directory_path());
  {
    obs::Metrics metrics;
    pg::Database db({.url = server_->NewDatabase()}, metrics);
    ASSERT_THAT(db.Read([&](pqxx::nontransaction& tx) -> Status {
      tx.exec("CREATE TABLESPACE small LOCATION '" + disk_->path() + "'");
      return {};
    }),
                IsOk());
  }
  Open(server_->NewDatabase("small"));
  ASSERT_THAT(Start("first"), IsOk());
  runs_["first"];
  auto task = Claim();
  ASSERT_THAT(task, IsOk());

  const Status refused = Fill();
  EXPECT_THAT(refused, StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(Message(refused), HasSubstr("No space left on device"));
  const std::string result = "\"" + RandomHex(400 << 10) + "\"";
  const Status kept = Complete(*task, result);
  EXPECT_THAT(kept, StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(Message(kept), HasSubstr("No space left on device"));

  ASSERT_TRUE(disk_->Resize(400)) << std::strerror(errno);
  // The worker's report is as good as it was; its attempt may have been given to another one meanwhile.
  const Status taken = Complete(*task, result);
  EXPECT_TRUE(taken.ok() || taken.code() == StatusCode::kAborted) << ToText(taken);
  if (taken.ok()) runs_.erase("first");
  Heals("w" + std::to_string(runs_.size() + 1000));
  EXPECT_EQ(StatusOf("first"), v1::WORKFLOW_STATUS_COMPLETED);
}

// With the log of transactions on it the server may go down, and not come up while there is no room for its recovery.
TEST_F(FullDiskTest, AServerThatWentDownWithItComesBack) {
  disk_.emplace(96);
  if (!disk_->mounted()) GTEST_SKIP() << "mounts need root";
  server_ = std::make_unique<pg::TestPostgres>(disk_->path());
  Open(server_->NewDatabase());
  EXPECT_THAT(Fill(), StatusIs(StatusCode::kUnavailable));
  // Whoever goes on trying is told the same.
  for (int i = 0; i < 5; ++i) EXPECT_THAT(Start("late").status(), StatusIs(StatusCode::kUnavailable));
  ASSERT_GT(runs_.size(), 10u);
  ASSERT_TRUE(disk_->Resize(600)) << std::strerror(errno);
  server_->Start();
  Heals("late");
}

}  // namespace
}  // namespace vora::workflow
