// The disk fails in every way it can, and heals again: what was confirmed is there once, what was refused is not.

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "libs/testing/status_matchers.h"
#include "services/analytics-ingest/spool/spool_test_fixture.h"

namespace vora::analytics {
std::atomic<int> g_fail_sync{0}, g_fail_truncate{0}, g_fail_rename{0};
}  // namespace vora::analytics

// The program's own functions come before the C library's.
extern "C" int fdatasync(int fd) {
  if (const int error = vora::analytics::g_fail_sync) {
    errno = error;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fdatasync, fd));
}
extern "C" int ftruncate(int fd, off_t length) noexcept {
  if (const int error = vora::analytics::g_fail_truncate) {
    errno = error;
    return -1;
  }
  return static_cast<int>(syscall(SYS_ftruncate, fd, length));
}
extern "C" int renameat(int from_fd, const char* from, int to_fd, const char* to) noexcept {
  if (const int error = vora::analytics::g_fail_rename) {
    errno = error;
    return -1;
  }
  return static_cast<int>(syscall(SYS_renameat2, from_fd, from, to_fd, to, 0));
}

namespace vora::analytics {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

class SpoolFaultTest : public SpoolTest {
 protected:
  ~SpoolFaultTest() override { Heal(); }
  static void Heal() { g_fail_sync = g_fail_truncate = g_fail_rename = 0; }
  // Health is set by the spool's own thread; it must turn within `Probe`'s interval.
  bool HealthBecomes(bool ok) {
    for (int i = 0; i < 1000; ++i) {
      if (spool_->Health().ok() == ok) return true;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return false;
  }
};

TEST_F(SpoolFaultTest, AFailedSyncConfirmsNothingAndTheFileIsNotTrustedAgain) {
  Open();
  ASSERT_THAT(AppendRows({Row(1), Row(2)}), IsOk());
  g_fail_sync = EIO;
  const Status refused = AppendRows({Row(3)});
  EXPECT_THAT(refused, StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(Message(refused), HasSubstr("Input/output error"));
  EXPECT_THAT(spool_->Health(), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(metrics_.Expose(), HasSubstr("vora_spool_healthy 0\n"));
  EXPECT_THAT(AppendRows({Row(4)}), StatusIs(StatusCode::kUnavailable));
  Heal();
  EXPECT_TRUE(HealthBecomes(true)) << "by itself";
  ASSERT_THAT(AppendRows({Row(5)}), IsOk());
  EXPECT_THAT(spool_->Health(), IsOk());
  EXPECT_THAT(metrics_.Expose(), HasSubstr("vora_spool_healthy 1\n"));
  spool_->SealNow();
  const auto first = spool_->Claim(milliseconds(0));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->rows, 2) << "what was confirmed before, in a segment of its own";
  spool_->Nack(*first);
  EXPECT_THAT(Drain(), ElementsAre(Row(1), Row(2), Row(5)));
}

TEST_F(SpoolFaultTest, WhatCannotBeCutOffIsLeftOutByTheName) {
  Open();
  ASSERT_THAT(AppendRows({Row(1)}), IsOk());
  g_fail_sync = EIO;
  g_fail_truncate = EIO;
  EXPECT_THAT(AppendRows({Row(2)}), StatusIs(StatusCode::kUnavailable));
  Heal();
  ASSERT_THAT(AppendRows({Row(3)}), IsOk());
  spool_.reset();
  const auto check = CheckSpool(options_.directory);
  ASSERT_THAT(check, IsOk());
  EXPECT_THAT(check->damaged, ElementsAre());
  EXPECT_EQ(check->rows, 2);
  Open();
  EXPECT_THAT(Drain(), ElementsAre(Row(1), Row(3)));
}

TEST_F(SpoolFaultTest, ASegmentThatCannotBeClosedIsClosedLater) {
  Open();
  ASSERT_THAT(AppendRows({Row(1)}), IsOk());
  g_fail_sync = g_fail_truncate = g_fail_rename = EIO;
  EXPECT_THAT(AppendRows({Row(2)}), StatusIs(StatusCode::kUnavailable));
  g_fail_sync = g_fail_truncate = 0;
  EXPECT_THAT(AppendRows({Row(3)}), IsOk());
  spool_->SealNow();
  EXPECT_FALSE(spool_->Claim(milliseconds(0)));
  EXPECT_FALSE(spool_->Empty()) << "rows 1 and 3 are still to come";
  Heal();
  ASSERT_THAT(AppendRows({Row(4)}), IsOk());
  EXPECT_TRUE(HealthBecomes(true));
  EXPECT_THAT(Drain(), ElementsAre(Row(1), Row(3), Row(4)));
}

TEST_F(SpoolFaultTest, SegmentsThatCannotBeClosedDoNotPileUp) {
  options_.segment_rows = 1;
  Open();
  g_fail_rename = EIO;
  std::vector<std::string> confirmed;
  Status status;
  for (int i = 0; i < 20; ++i) {
    status = AppendRows({Row(i)});
    if (status.ok()) confirmed.push_back(Row(i));
  }
  EXPECT_THAT(status, StatusIs(StatusCode::kUnavailable));
  EXPECT_LE(confirmed.size(), 10U);
  EXPECT_TRUE(HealthBecomes(false));
  Heal();
  EXPECT_TRUE(HealthBecomes(true));
  EXPECT_THAT(AppendRows({Row(99)}), IsOk());
  confirmed.push_back(Row(99));
  EXPECT_EQ(Drain(), confirmed);
}

TEST_F(SpoolFaultTest, AFailedSyncOfConfirmedRowsKeepsThem) {
  options_.fsync_interval = milliseconds(1);
  Open();
  g_fail_sync = EIO;
  ASSERT_THAT(AppendRows({Row(1)}), IsOk()) << "confirmed once written";
  ASSERT_TRUE(HealthBecomes(false));
  Heal();
  ASSERT_THAT(AppendRows({Row(2)}), IsOk());
  EXPECT_THAT(Drain(), ElementsAre(Row(1), Row(2)));
}

TEST_F(SpoolFaultTest, DoubtThatCannotBeNotedIsNotNoted) {
  Open();
  ASSERT_THAT(AppendRows({Row(1)}), IsOk());
  spool_->SealNow();
  const auto segment = spool_->Claim(milliseconds(0));
  ASSERT_TRUE(segment);
  g_fail_rename = EIO;
  EXPECT_THAT(spool_->MarkInDoubt(*segment), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(spool_->Quarantine(*segment, "a test"), StatusIs(StatusCode::kUnavailable));
  Heal();
  EXPECT_THAT(spool_->MarkInDoubt(*segment), IsOk());
  EXPECT_THAT(spool_->Release(*segment), IsOk());
}

// A file may not grow beyond a limit: short writes, then EFBIG, as on a full disk.
TEST_F(SpoolFaultTest, AShortWriteLeavesNothingBehind) {
  struct rlimit before {};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  Open();
  ASSERT_THAT(AppendRows({Row(1)}), IsOk());
  struct rlimit small = before;
  small.rlim_cur = 300;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THAT(AppendRows({Row(2), Row(3), Row(4)}), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(AppendRows({Row(5, 20)}), IsOk()) << "what fits is taken";
  EXPECT_THAT(AppendRows({Row(6, 1000)}), StatusIs(StatusCode::kUnavailable));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_THAT(AppendRows({Row(7, 1000)}), IsOk());
  EXPECT_THAT(Drain(), ElementsAre(Row(1), Row(5, 20), Row(7, 1000)));
}

TEST_F(SpoolFaultTest, AFullDiskRefusesAndAcceptsAgainWhenThereIsSpace) {
  const std::string disk = options_.directory + ".disk";
  mkdir(disk.c_str(), 0700);
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=512k") != 0) GTEST_SKIP() << "only root can mount a small disk";
  options_.directory = disk + "/spool";
  Open();
  std::vector<std::string> confirmed;
  int refused = 0;
  for (int i = 0; refused < 50; ++i) {
    const std::string row = Row(i, 3000);
    const Status status = AppendRows({row});
    if (status.ok()) {
      confirmed.push_back(row);
    } else {
      ASSERT_THAT(status, StatusIs(StatusCode::kUnavailable));
      ++refused;
    }
    ASSERT_LT(i, 1000) << "the disk is never full";
  }
  EXPECT_GT(confirmed.size(), 100U);
  EXPECT_THAT(spool_->Health(), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(Drain(), confirmed) << "what was confirmed is read from the full disk, and makes room";
  EXPECT_TRUE(HealthBecomes(true));
  EXPECT_THAT(AppendRows({Row(9999)}), IsOk());
  EXPECT_THAT(Drain(), ElementsAre(Row(9999)));
  spool_.reset();
  umount(disk.c_str());
  rmdir(disk.c_str());
}

}  // namespace
}  // namespace vora::analytics
