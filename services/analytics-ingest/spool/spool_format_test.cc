#include "services/analytics-ingest/spool/spool_format.h"

#include <gtest/gtest.h>

#include <string>

#include "libs/testing/status_matchers.h"
#include "services/analytics-ingest/spool/spool_batch.h"

namespace vora::analytics {
namespace {

// RFC 3720 appendix B.4, and the check value of the CRC catalogue.
TEST(SpoolFormatTest, TheChecksumIsCastagnolis) {
  EXPECT_EQ(Crc32c("123456789", 9), 0xE3069283U);
  EXPECT_EQ(Crc32c(std::string(32, '\0').data(), 32), 0x8A9136AAU);
  EXPECT_EQ(Crc32c(std::string(32, '\xff').data(), 32), 0x62A8AB43U);
  EXPECT_EQ(Crc32c("6789", 4, Crc32c("12345", 5)), 0xE3069283U);
}

TEST(SpoolFormatTest, AHeaderComesBackAndEveryChangedBitIsSeen) {
  const SegmentHeader header{.day = 20'000, .number = 77, .created_ms = 1'700'000'000'123, .batch = "00112233445566778899aabbccddeeff"};
  auto bytes = EncodeHeader(header);
  const auto read = DecodeHeader(bytes.data());
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->day, header.day);
  EXPECT_EQ(read->number, header.number);
  EXPECT_EQ(read->created_ms, header.created_ms);
  EXPECT_EQ(read->batch, header.batch);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_THAT(DecodeHeader(bytes.data()), StatusIs(StatusCode::kDataLoss)) << "bit " << bit;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
}

TEST(SpoolFormatTest, NamesSayWhatIsInside) {
  const SegmentName sealed{.state = SegmentState::kSealed, .number = 18, .day = 20'777, .rows = 3021, .bytes = 456'789};
  EXPECT_EQ(FormatName(sealed), "0000000000000012.20261120.3021.456789.sealed");
  for (const SegmentState state : {SegmentState::kOpen, SegmentState::kSealed, SegmentState::kDoubt, SegmentState::kSalvage}) {
    SegmentName name = sealed;
    name.state = state;
    name.origin = state == SegmentState::kSalvage ? 7 : 0;
    if (state == SegmentState::kOpen) name.day = 0, name.rows = 0, name.bytes = 0;
    const auto read = ParseName(FormatName(name));
    ASSERT_TRUE(read) << FormatName(name);
    EXPECT_EQ(read->state, state);
    EXPECT_EQ(FormatName(*read), FormatName(name));
  }
  const auto damaged = ParseName(FormatName(sealed) + ".damaged");
  ASSERT_TRUE(damaged);
  EXPECT_EQ(damaged->state, SegmentState::kDamaged);
  EXPECT_EQ(damaged->number, 18U);
}

TEST(SpoolFormatTest, OtherNamesAreNotSegments) {
  for (const char* name :
       {"", ".", "..", "lock", "probe.tmp", "0012.open", "0000000000000012", "000000000000001g.open",
        "0000000000000012.20261120.3021.sealed", "0000000000000012.20261320.3021.456789.sealed",
        "0000000000000012.20261120.-1.456789.sealed", "0000000000000012.20261120.1.2x.doubt",
        "0000000000000012.20261120.99999999999999999999.2.doubt", "0000000000000012.20261120.3021.456789.sealed.damaged.txt"}) {
    EXPECT_FALSE(ParseName(name)) << name;
  }
}

TEST(SpoolFormatTest, ABatchHoldsRecords) {
  RowBatch batch(3);
  batch.AddRow("hello");
  Event event;
  event.video_id = "v";
  batch.Add(event);
  EXPECT_EQ(batch.rows(), 2);
  EXPECT_TRUE(batch.valid());
  const std::string& records = batch.records();
  EXPECT_EQ(LoadU32(records.data()), 5U);
  EXPECT_EQ(records.substr(8, 5), "hello");
  EXPECT_EQ(LoadU32(records.data() + 4), Crc32c((records.substr(0, 4) + "hello").data(), 9));
  std::string row;
  AppendRow(event, row);
  EXPECT_EQ(records.substr(8 + 5 + 8), row);
  batch.AddRow("");
  EXPECT_FALSE(batch.valid());
}

}  // namespace
}  // namespace vora::analytics
