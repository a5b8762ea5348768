#pragma once

// What the spool's tests share: a folder of their own, rows that say who they are, and a disk whose syncs can be made to fail.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/core/clock.h"
#include "libs/obs/metrics.h"
#include "libs/testing/eventually.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"
#include "services/analytics-ingest/spool/spool.h"

namespace vora::analytics {

// Defined in spool_fault_test.cc, which puts its own fdatasync, ftruncate and renameat before the C library's: errno of the next calls on
// any file; 0: none.
extern std::atomic<int> g_fail_sync, g_fail_truncate, g_fail_rename;

class SpoolTest : public testing::Test {
 protected:
  SpoolTest() {
    options_.directory = folder_ / "spool";
    options_.segment_age = std::chrono::hours(1);
  }

  void Open() {
    spool_.reset();
    auto opened = Spool::Open(options_, clock_, metrics_);
    ASSERT_THAT(opened, IsOk());
    spool_ = *std::move(opened);
  }
  static std::string Row(int64_t number, size_t size = 100) {
    std::string row = "row " + std::to_string(number) + " ";
    row.resize(std::max(size, row.size()), 'x');
    return row;
  }
  // Appends and waits for the answer.
  Status AppendRows(const std::vector<std::string>& rows, int32_t day = 20'000) { return AppendTo(*spool_, rows, day); }
  static Status AppendTo(Spool& spool, const std::vector<std::string>& rows, int32_t day = 20'000) {
    std::promise<Status> answer;
    const Status taken = spool.Append(day, rows, [&](Status status) { answer.set_value(std::move(status)); });
    return taken.ok() ? answer.get_future().get() : taken;
  }
  // Takes, reads and releases everything that is sealed, or becomes so by SealNow.
  std::vector<std::string> Drain() {
    spool_->SealNow();
    std::vector<std::string> rows;
    while (const auto segment = spool_->Claim(std::chrono::milliseconds(0))) {
      std::vector<std::string> read;
      const Status status = spool_->ReadRows(*segment, [&](std::string_view row) { read.emplace_back(row); });
      if (!status.ok()) {
        EXPECT_THAT(status, StatusIs(StatusCode::kDataLoss)) << status;
        EXPECT_THAT(spool_->Quarantine(*segment, Message(status)), IsOk());
        continue;
      }
      EXPECT_EQ(segment->rows, static_cast<int64_t>(read.size()));
      rows.insert(rows.end(), read.begin(), read.end());
      EXPECT_THAT(spool_->Release(*segment), IsOk());
    }
    return rows;
  }
  // Seals what is open and waits until the spool is within max_bytes: a segment counts once it is sealed, and is dropped after that.
  void AwaitLimit() {
    spool_->SealNow();
    const auto within = [this] {
      uintmax_t bytes = 0;
      for (const std::string& file : Files(".sealed")) {
        std::error_code gone;
        const uintmax_t size = std::filesystem::file_size(file, gone);
        if (!gone) bytes += size;
      }
      return bytes <= static_cast<uintmax_t>(options_.max_bytes);
    };
    EXPECT_TRUE(Eventually(within));
  }
  std::vector<std::string> Files(const std::string& ending) const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
      if (entry.path().string().ends_with(ending)) found.push_back(entry.path().string());
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  const TempFolder folder_;
  SpoolOptions options_;
  FakeClock clock_;
  obs::Metrics metrics_;
  std::unique_ptr<Spool> spool_;
};

}  // namespace vora::analytics
