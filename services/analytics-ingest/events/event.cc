#include "services/analytics-ingest/events/event.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace vora::analytics {
namespace {

static_assert(std::endian::native == std::endian::little, "RowBinary is little-endian, and rows are written as they lie in memory");

// Writes into memory that was made large enough before: no check per column.
class RowWriter {
 public:
  explicit RowWriter(char* at) : at_(at) {}
  template <typename T>
  void Fixed(T value) {
    std::memcpy(at_, &value, sizeof(value));
    at_ += sizeof(value);
  }
  void Text(const std::string& text) {
    // RowBinary: a text begins with its length as LEB128.
    size_t left = text.size();
    for (; left >= 0x80; left >>= 7) *at_++ = static_cast<char>(left | 0x80);
    *at_++ = static_cast<char>(left);
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  char* at() const { return at_; }

 private:
  char* at_;
};

constexpr size_t kFixedBytes = 2 + 4 + 8 + 8 + 8 + 1 + 1 + 4 + 4 + 4 + 4 + 4 + 4 + 4 + 8 + 2;
constexpr size_t kTexts = 9;
constexpr size_t kMaxLengthBytes = 10;  // of a 64-bit number in LEB128

}  // namespace

const char kRowColumns[] =
    "event_date,event_time,server_ms,player_ms,tenant,video_id,session_id,sequence,type,source,position_ms,duration_ms,rendition,bitrate,"
    "segment_index,error_code,buffer_ms,throughput_kbps,viewer,client_net,cache,origin_ms,bytes,status,object,batch";

int32_t DayOf(int64_t server_ms) {
  constexpr int64_t kDayMs = 86'400'000;
  const int64_t day = server_ms >= 0 ? server_ms / kDayMs : 0;
  // A Date of ClickHouse is 16 bits of days.
  return static_cast<int32_t>(std::min<int64_t>(day, std::numeric_limits<uint16_t>::max()));
}

void AppendRow(const Event& event, std::string& out) {
  const size_t texts = event.tenant.size() + event.video_id.size() + event.session_id.size() + event.rendition.size() +
                       event.error_code.size() + event.viewer.size() + event.client_net.size() + event.cache.size() + event.object.size();
  const size_t begin = out.size();
  out.resize(begin + kFixedBytes + texts + kTexts * kMaxLengthBytes);
  RowWriter row(out.data() + begin);
  row.Fixed(static_cast<uint16_t>(DayOf(event.server_ms)));
  row.Fixed(static_cast<uint32_t>(std::clamp<int64_t>(event.server_ms / 1000, 0, std::numeric_limits<uint32_t>::max())));
  row.Fixed(event.server_ms);
  row.Fixed(event.player_ms);
  row.Text(event.tenant);
  row.Text(event.video_id);
  row.Text(event.session_id);
  row.Fixed(event.sequence);
  row.Fixed(static_cast<int8_t>(event.type));
  row.Fixed(static_cast<int8_t>(event.source));
  row.Fixed(event.position_ms);
  row.Fixed(event.duration_ms);
  row.Text(event.rendition);
  row.Fixed(event.bitrate);
  row.Fixed(event.segment_index);
  row.Text(event.error_code);
  row.Fixed(event.buffer_ms);
  row.Fixed(event.throughput_kbps);
  row.Text(event.viewer);
  row.Text(event.client_net);
  row.Text(event.cache);
  row.Fixed(event.origin_ms);
  row.Fixed(event.bytes);
  row.Fixed(event.status);
  row.Text(event.object);
  out.resize(static_cast<size_t>(row.at() - out.data()));
}

}  // namespace vora::analytics
