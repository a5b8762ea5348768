#include "services/analytics-ingest/events/event.h"

#include <gtest/gtest.h>

#include <cstring>
#include <sstream>

#include "services/analytics-ingest/shipper/schema.h"

namespace vora::analytics {
namespace {

// Reads RowBinary as ClickHouse documents it.
class RowReader {
 public:
  explicit RowReader(std::string_view row) : row_(row) {}
  template <typename T>
  T Fixed() {
    T value;
    std::memcpy(&value, row_.data(), sizeof(value));
    row_.remove_prefix(sizeof(value));
    return value;
  }
  std::string Text() {
    size_t size = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(row_[0]);
      row_.remove_prefix(1);
      size |= static_cast<size_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const std::string text(row_.substr(0, size));
    row_.remove_prefix(size);
    return text;
  }
  bool AtEnd() const { return row_.empty(); }

 private:
  std::string_view row_;
};

TEST(EventTest, TheRowHasEveryColumnButTheBatch) {
  Event event;
  event.server_ms = 1'700'000'000'123;
  event.player_ms = 1'699'999'999'000;
  event.tenant = "acme";
  event.video_id = "v1";
  event.session_id = "s1";
  event.sequence = -7;
  event.type = EventType::kStall;
  event.source = EventSource::kCmcd;
  event.position_ms = 1500;
  event.duration_ms = 250;
  event.rendition = "720p";
  event.bitrate = 4'000'000'000U;
  event.segment_index = -1;
  event.error_code = "E1";
  event.buffer_ms = 12;
  event.throughput_kbps = 34'000;
  event.viewer = "0123456789abcdef0123456789abcdef";
  event.client_net = "203.0.113.0/24";
  event.cache = "hit";
  event.origin_ms = 17;
  event.bytes = uint64_t{1} << 40;
  event.status = 206;
  event.object = std::string(300, 'o');  // its length takes two bytes
  std::string out = "before";
  AppendRow(event, out);
  ASSERT_EQ(out.substr(0, 6), "before");
  RowReader row(std::string_view(out).substr(6));
  EXPECT_EQ(row.Fixed<uint16_t>(), 19'675);
  EXPECT_EQ(row.Fixed<uint32_t>(), 1'700'000'000U);
  EXPECT_EQ(row.Fixed<int64_t>(), 1'700'000'000'123);
  EXPECT_EQ(row.Fixed<int64_t>(), 1'699'999'999'000);
  EXPECT_EQ(row.Text(), "acme");
  EXPECT_EQ(row.Text(), "v1");
  EXPECT_EQ(row.Text(), "s1");
  EXPECT_EQ(row.Fixed<int64_t>(), -7);
  EXPECT_EQ(row.Fixed<int8_t>(), 7);
  EXPECT_EQ(row.Fixed<int8_t>(), 2);
  EXPECT_EQ(row.Fixed<uint32_t>(), 1500U);
  EXPECT_EQ(row.Fixed<uint32_t>(), 250U);
  EXPECT_EQ(row.Text(), "720p");
  EXPECT_EQ(row.Fixed<uint32_t>(), 4'000'000'000U);
  EXPECT_EQ(row.Fixed<int32_t>(), -1);
  EXPECT_EQ(row.Text(), "E1");
  EXPECT_EQ(row.Fixed<uint32_t>(), 12U);
  EXPECT_EQ(row.Fixed<uint32_t>(), 34'000U);
  EXPECT_EQ(row.Text(), event.viewer);
  EXPECT_EQ(row.Text(), event.client_net);
  EXPECT_EQ(row.Text(), "hit");
  EXPECT_EQ(row.Fixed<uint32_t>(), 17U);
  EXPECT_EQ(row.Fixed<uint64_t>(), uint64_t{1} << 40);
  EXPECT_EQ(row.Fixed<uint16_t>(), 206);
  EXPECT_EQ(row.Text(), event.object);
  EXPECT_TRUE(row.AtEnd());
}

// The first columns of the first CREATE TABLE, in order, are those that a row has; the shipper adds what follows.
TEST(EventTest, TheColumnsAreThoseOfTheTable) {
  std::istringstream file(Migrations().front().sql);
  std::string columns;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("CREATE TABLE")) inside = true;
    if (inside && line.starts_with(")")) break;
    if (!inside || !line.starts_with("  ") || line[2] == ' ') continue;  // deeper: an Enum that goes on
    std::istringstream words(line);
    std::string name;
    words >> name;
    columns += (columns.empty() ? "" : ",") + name;
  }
  EXPECT_TRUE((columns + ",").starts_with(std::string(kRowColumns) + ",")) << columns;
}

TEST(EventTest, DaysAreOfUtcAndNeverLeaveTheColumn) {
  EXPECT_EQ(DayOf(0), 0);
  EXPECT_EQ(DayOf(86'399'999), 0);
  EXPECT_EQ(DayOf(86'400'000), 1);
  EXPECT_EQ(DayOf(-1), 0);
  EXPECT_EQ(DayOf(INT64_MAX), 65'535);
}

}  // namespace
}  // namespace vora::analytics
