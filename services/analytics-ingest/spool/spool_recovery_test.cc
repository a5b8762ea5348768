// Files as crashes and bad disks leave them.

#include "services/analytics-ingest/spool/spool_recovery.h"

#include <fcntl.h>

#include <fstream>
#include <iterator>
#include <random>

#include "libs/testing/status_matchers.h"
#include "services/analytics-ingest/spool/check_spool.h"
#include "services/analytics-ingest/spool/spool_index.h"
#include "services/analytics-ingest/spool/spool_reader.h"
#include "services/analytics-ingest/spool/spool_test_fixture.h"

namespace vora::analytics {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void WriteFile(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

class SpoolRecoveryTest : public SpoolTest {
 protected:
  // A segment file with these rows, without a running spool.
  std::string SegmentOf(const std::vector<std::string>& rows, uint64_t number = 5) {
    RowBatch batch(20'000);
    for (const std::string& row : rows) batch.AddRow(row);
    const auto header = EncodeHeader({.day = 20'000, .number = number, .created_ms = 1'700'000'000'000, .batch = std::string(32, 'a')});
    return std::string(header.data(), header.size()) + batch.records();
  }
  std::string PathOf(const std::string& name) const { return options_.directory + "/" + name; }
  void Place(const std::string& name, const std::string& bytes) {
    std::filesystem::create_directories(options_.directory);
    WriteFile(PathOf(name), bytes);
  }
  void Clear() {
    spool_.reset();
    std::filesystem::remove_all(options_.directory);
  }
  static std::string SealedName(int64_t rows, size_t bytes, uint64_t number = 5, SegmentState state = SegmentState::kSealed) {
    return FormatName({.state = state, .number = number, .day = 20'000, .rows = rows, .bytes = static_cast<int64_t>(bytes)});
  }
};

TEST_F(SpoolRecoveryTest, ATornTailOfAnyLengthIsCutAndNothingElse) {
  const std::string whole = SegmentOf({Row(1, 40), Row(2, 40), Row(3, 40)});
  const size_t record = 48;
  for (size_t size = 0; size <= whole.size(); ++size) {
    Clear();
    Place("0000000000000005.open", whole.substr(0, size));
    Open();
    const size_t rows = size < kSegmentHeaderBytes ? 0 : (size - kSegmentHeaderBytes) / record;
    std::vector<std::string> expected;
    for (size_t i = 1; i <= rows; ++i) expected.push_back(Row(static_cast<int64_t>(i), 40));
    ASSERT_EQ(Drain(), expected) << size << " bytes";
    ASSERT_EQ(Files(".damaged").size(), 0U) << size << " bytes";
    ASSERT_THAT(AppendRows({Row(9)}), IsOk());
    ASSERT_THAT(Drain(), ElementsAre(Row(9)));
  }
}

TEST_F(SpoolRecoveryTest, ATailOfZerosIsATornTail) {
  Place("0000000000000005.open", SegmentOf({Row(1)}) + std::string(5000, '\0'));
  Open();
  EXPECT_THAT(Drain(), ElementsAre(Row(1)));
  EXPECT_THAT(Files(".damaged"), ElementsAre());
}

TEST_F(SpoolRecoveryTest, SeveralOpenSegmentsAreSealedInOrder) {
  for (uint64_t n = 3; n < 8; ++n) Place(FormatName({.number = n}), SegmentOf({Row(static_cast<int64_t>(n))}, n));
  Open();
  EXPECT_THAT(Drain(), ElementsAre(Row(3), Row(4), Row(5), Row(6), Row(7)));
}

// Every single bit of an open and of a sealed segment is flipped: at most the row that it is in is lost, and the file is kept.
TEST_F(SpoolRecoveryTest, AFlippedBitCostsOneRowAtMostAndTheFileIsKept) {
  const std::vector<std::string> rows = {Row(1, 20), Row(2, 20), Row(3, 20)};
  const std::string whole = SegmentOf(rows);
  for (const bool open : {true, false}) {
    for (size_t bit = 0; bit < whole.size() * 8; bit += 7) {
      Clear();
      std::string bytes = whole;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
      Place(open ? "0000000000000005.open" : SealedName(3, whole.size()), bytes);
      Open();
      std::vector<std::string> expected = rows;
      const size_t record = bit / 8 < kSegmentHeaderBytes ? 3 : (bit / 8 - kSegmentHeaderBytes) / 28;
      if (record < 3) expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(record));
      ASSERT_EQ(Drain(), expected) << "bit " << bit << (open ? ", open" : ", sealed");
      // In the last row of an open segment it cannot be told from a torn tail.
      const bool torn = open && record == 2;
      const auto kept = Files(".damaged");
      ASSERT_EQ(kept.size(), torn ? 0U : 1U) << "bit " << bit << (open ? ", open" : ", sealed");
      if (!torn) {
        ASSERT_EQ(ReadFile(kept[0]), bytes);
        ASSERT_FALSE(ReadFile(kept[0] + ".txt").empty());
      }
      Open();
      ASSERT_THAT(Drain(), ElementsAre()) << "salvaged once";
    }
  }
}

TEST_F(SpoolRecoveryTest, WhatWasInDoubtIsNotSalvaged) {
  std::string bytes = SegmentOf({Row(1), Row(2)});
  bytes.back() ^= 1;
  Place(SealedName(2, bytes.size(), 5, SegmentState::kDoubt), bytes);
  Open();
  EXPECT_THAT(Drain(), ElementsAre());
  EXPECT_EQ(Files(".damaged").size(), 1U);
  EXPECT_TRUE(spool_->Empty());
  EXPECT_THAT(metrics_.Expose(), HasSubstr("vora_spool_damaged_segments_total 1"));
}

TEST_F(SpoolRecoveryTest, ATruncatedSealedSegmentIsDamaged) {
  const std::string whole = SegmentOf({Row(1), Row(2), Row(3)});
  Place(SealedName(3, whole.size()), whole.substr(0, whole.size() - 108));
  Open();
  EXPECT_THAT(Drain(), ElementsAre(Row(1), Row(2)));
  EXPECT_EQ(Files(".damaged").size(), 1U);
}

TEST_F(SpoolRecoveryTest, WhatTheInserterRefusesIsKeptWhole) {
  Open();
  ASSERT_THAT(AppendRows({Row(1)}), IsOk());
  spool_->SealNow();
  const auto segment = spool_->Claim(milliseconds(0));
  ASSERT_TRUE(segment);
  ASSERT_THAT(spool_->Quarantine(*segment, "ClickHouse says no"), IsOk());
  EXPECT_TRUE(spool_->Empty()) << "nothing damaged, nothing to salvage";
  ASSERT_EQ(Files(".damaged").size(), 1U);
  EXPECT_THAT(ReadFile(Files(".damaged.txt").at(0)), testing::StartsWith("ClickHouse says no\nNo row was copied"));
  // And as it says, so it is.
  spool_.reset();
  const std::string damaged = Files(".damaged").at(0);
  std::filesystem::rename(damaged, damaged.substr(0, damaged.size() - 8));
  Open();
  EXPECT_THAT(Drain(), ElementsAre(Row(1)));
}

TEST_F(SpoolRecoveryTest, AnInterruptedSalvageIsFinishedOrUndone) {
  std::string bytes = SegmentOf({Row(1), Row(2)});
  const std::string copy = SegmentOf({Row(1)}, 6);
  const SegmentName salvage{
      .state = SegmentState::kSalvage, .number = 6, .day = 20'000, .rows = 1, .bytes = static_cast<int64_t>(copy.size()), .origin = 5};
  // The original was not renamed yet: it is dealt with again.
  Place(SealedName(2, bytes.size()), bytes);
  Place(FormatName(salvage), copy);
  Open();
  EXPECT_THAT(Drain(), ElementsAre(Row(1), Row(2)));
  Clear();
  Place(SealedName(2, bytes.size()) + ".damaged", bytes);
  Place(FormatName(salvage), copy);
  Open();
  EXPECT_THAT(Drain(), ElementsAre(Row(1)));
}

TEST_F(SpoolRecoveryTest, FilesThatAreNoSegmentsAreLeftAlone) {
  Place("notes.txt", "hello");
  Place("0000000000000001.open", "this is no segment, but nobody knows what it was: it is kept, not deleted unread");
  Open();
  EXPECT_THAT(Drain(), ElementsAre());
  EXPECT_EQ(ReadFile(PathOf("notes.txt")), "hello");
  EXPECT_EQ(Files(".open.damaged").size(), 1U);
}

// Random damage of every kind: no crash, no endless loop, and never a row that was not written.
TEST_F(SpoolRecoveryTest, TheReaderBelievesNothing) {
  std::mt19937 random(20'261'120);
  std::vector<std::string> rows;
  for (int i = 0; i < 40; ++i) rows.push_back(Row(i, 1 + random() % 300));
  const std::string whole = SegmentOf(rows);
  for (int round = 0; round < 400; ++round) {
    std::string bytes = whole;
    for (unsigned change = random() % 8; change > 0; --change) {
      const size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes.resize(at + 1);
          break;
        case 2:
          bytes.erase(at, random() % 50);
          break;
        default:
          bytes.insert(at, std::string(random() % 5000, static_cast<char>(random())));
          break;
      }
      if (bytes.empty()) bytes = "x";
    }
    Clear();
    Place("segment", bytes);
    SegmentReader reader(FileHandle(open(PathOf("segment").c_str(), O_RDONLY)), -1);
    size_t expected = 0;
    for (;;) {
      std::string_view row;
      const auto next = reader.Read(&row);
      if (next == SegmentReader::Next::kEnd) break;
      if (next == SegmentReader::Next::kDamaged) {
        ASSERT_FALSE(reader.problem().empty());
        if (!reader.SkipDamage()) break;
        continue;
      }
      while (expected < rows.size() && rows[expected] != row) ++expected;
      ASSERT_LT(expected++, rows.size()) << "round " << round << ": a row out of nowhere";
    }
  }
}

TEST_F(SpoolRecoveryTest, MoreSegmentsThanAreKeptInMemoryComeInOrder) {
  std::filesystem::create_directories(options_.directory);
  constexpr uint64_t kSegments = 500;
  for (uint64_t n = 1; n <= kSegments; ++n) {
    const std::string bytes = SegmentOf({Row(static_cast<int64_t>(n))}, n);
    Place(SealedName(1, bytes.size(), n), bytes);
  }
  auto directory = SpoolDirectory::Open(options_.directory);
  ASSERT_THAT(directory, IsOk());
  SegmentIndex index(**directory, 16);
  ASSERT_THAT(index.Load(), IsOk());
  EXPECT_EQ(index.totals().segments, static_cast<int64_t>(kSegments));
  const SegmentName late{.state = SegmentState::kSealed, .number = kSegments + 1, .day = 20'000, .rows = 1, .bytes = 10};
  Place(FormatName(late), "late");
  index.Add(late);
  for (uint64_t n = 1; n <= kSegments + 1; ++n) {
    auto name = index.Claim(milliseconds(0));
    ASSERT_TRUE(name);
    ASSERT_EQ(name->number, n);
    if (n % 7 == 0) {
      index.Nack(n);
      name = index.Claim(milliseconds(0));
      ASSERT_TRUE(name);
      ASSERT_EQ(name->number, n);
    }
    ASSERT_THAT(index.Release(n), IsOk());
  }
  EXPECT_FALSE(index.Claim(milliseconds(0)));
  EXPECT_EQ(index.totals().segments, 0);
  EXPECT_EQ(index.totals().bytes, 0);
}

TEST_F(SpoolRecoveryTest, TheCheckSaysWhatIsThere) {
  EXPECT_EQ(CheckSpoolMain(options_.directory), 2) << "no such folder";
  Open();
  EXPECT_EQ(CheckSpoolMain(options_.directory), 0);
  ASSERT_THAT(AppendRows({Row(1), Row(2)}), IsOk());
  spool_->SealNow();
  ASSERT_THAT(AppendRows({Row(3)}), IsOk());
  auto check = CheckSpool(options_.directory);
  ASSERT_THAT(check, IsOk());
  EXPECT_EQ(check->segments, 2);
  EXPECT_EQ(check->rows, 3) << "also while the spool is open";
  EXPECT_EQ(check->torn_bytes, 0);
  spool_.reset();
  const std::string file = Files(".sealed").at(0);
  std::string bytes = ReadFile(file);
  bytes.back() ^= 1;
  WriteFile(file, bytes);
  Place("00000000000000ff.open", SegmentOf({Row(1)}, 0xff) + "torn");
  check = CheckSpool(options_.directory);
  ASSERT_THAT(check, IsOk());
  ASSERT_EQ(check->damaged.size(), 1U);
  EXPECT_THAT(check->damaged[0], HasSubstr("1 of 2 rows are intact"));
  EXPECT_EQ(check->torn_bytes, 4);
  EXPECT_EQ(CheckSpoolMain(options_.directory), 1);
  Open();
  EXPECT_THAT(Drain(), ElementsAre(Row(3), Row(1), Row(1))) << "the salvaged row comes with a new number";
  check = CheckSpool(options_.directory);
  ASSERT_THAT(check, IsOk());
  EXPECT_EQ(check->quarantined.size(), 1U);
  EXPECT_EQ(CheckSpoolMain(options_.directory), 1);
}

}  // namespace
}  // namespace vora::analytics
