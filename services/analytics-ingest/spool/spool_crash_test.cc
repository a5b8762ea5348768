// A process that appends is killed at random instants, and another one goes on: every confirmed row is there once, in order.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <thread>

#include "libs/testing/status_matchers.h"
#include "services/analytics-ingest/spool/spool_test_fixture.h"

namespace vora::analytics {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// Appends rows named by growing numbers from `next`, and writes each to `answers` once it is confirmed. Never returns.
[[noreturn]] void AppendForever(const SpoolOptions& options, int64_t next, int answers) {
  obs::Metrics metrics;
  FakeClock clock;
  auto spool = Spool::Open(options, clock, metrics);
  if (!spool.ok()) _exit(3);
  std::atomic<int> in_flight = 0;
  for (;; ++next) {
    RowBatch batch(20'000 + static_cast<int32_t>(next / 40 % 2));
    for (int i = 0; i < 3; ++i)
      batch.AddRow(std::to_string(next) + "." + std::to_string(i) + std::string(static_cast<size_t>(next % 200), 'x'));
    while (in_flight > 30) std::this_thread::yield();
    ++in_flight;
    const Status taken = (*spool)->Append(std::move(batch), [&, next](Status status) {
      if (!status.ok()) _exit(4);
      if (write(answers, &next, sizeof(next)) != sizeof(next)) _exit(5);
      --in_flight;
    });
    if (!taken.ok()) _exit(6);
  }
}

class SpoolCrashTest : public SpoolTest, public testing::WithParamInterface<int> {};

TEST_P(SpoolCrashTest, WhatWasConfirmedIsThereOnce) {
  options_.fsync_interval = milliseconds(GetParam());
  options_.segment_rows = 50;
  std::mt19937 random(static_cast<unsigned>(GetParam()) + 1U);
  int64_t next = 0;
  std::vector<int64_t> confirmed;
  for (int round = 0; round < 25; ++round) {
    int answers[2];
    ASSERT_EQ(pipe(answers), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(answers[0]);
      AppendForever(options_, next, answers[1]);
    }
    close(answers[1]);
    // Killed after a random number of answers and a random while.
    int64_t number = 0;
    for (auto left = random() % 60; left > 0 && read(answers[0], &number, sizeof(number)) == sizeof(number); --left)
      confirmed.push_back(number);
    std::this_thread::sleep_for(microseconds(random() % 20'000));
    kill(child, SIGKILL);
    while (read(answers[0], &number, sizeof(number)) == sizeof(number)) confirmed.push_back(number);
    close(answers[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "exit code " << WEXITSTATUS(status);
    next += 1'000'000;
  }
  const auto check = CheckSpool(options_.directory);
  ASSERT_THAT(check, IsOk());
  EXPECT_THAT(check->damaged, testing::ElementsAre());
  Open();
  EXPECT_THAT(Files(".damaged"), testing::ElementsAre());
  std::vector<std::string> found;
  for (const std::string& row : Drain()) found.push_back(row.substr(0, row.find('x')));
  size_t at = 0;
  std::string last;
  for (const int64_t number : confirmed) {
    for (int i = 0; i < 3; ++i) {
      const std::string row = std::to_string(number) + "." + std::to_string(i);
      while (at < found.size() && found[at] != row) ++at;  // written, but not confirmed before the end
      ASSERT_LT(at++, found.size()) << row << " is lost or out of order";
    }
  }
  std::sort(found.begin(), found.end());
  EXPECT_EQ(std::adjacent_find(found.begin(), found.end()), found.end()) << "a row is there twice";
  EXPECT_GT(confirmed.size(), 100U);
}

INSTANTIATE_TEST_SUITE_P(FsyncInterval, SpoolCrashTest, testing::Values(0, 3));

}  // namespace
}  // namespace vora::analytics
