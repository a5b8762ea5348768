#pragma once

// For the tests of this folder: rows read back, as ClickHouse documents RowBinary.

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "services/analytics-ingest/formats/batch.h"

namespace vora::analytics {

class TestRowReader {
 public:
  explicit TestRowReader(std::string_view row) : row_(row) {}
  template <typename T>
  void Read(T& value) {
    std::memcpy(&value, row_.data(), sizeof(value));
    row_.remove_prefix(sizeof(value));
  }
  void Read(std::string& text) {
    size_t size = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(row_[0]);
      row_.remove_prefix(1);
      size |= static_cast<size_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    text = row_.substr(0, size);
    row_.remove_prefix(size);
  }

 private:
  std::string_view row_;
};

inline Event EventOfRow(std::string_view row) {
  TestRowReader reader(row);
  Event e;
  uint16_t day = 0;
  uint32_t seconds = 0;
  reader.Read(day);
  reader.Read(seconds);
  reader.Read(e.server_ms);
  reader.Read(e.player_ms);
  reader.Read(e.tenant);
  reader.Read(e.video_id);
  reader.Read(e.session_id);
  reader.Read(e.sequence);
  reader.Read(e.type);
  reader.Read(e.source);
  reader.Read(e.position_ms);
  reader.Read(e.duration_ms);
  reader.Read(e.rendition);
  reader.Read(e.bitrate);
  reader.Read(e.segment_index);
  reader.Read(e.error_code);
  reader.Read(e.buffer_ms);
  reader.Read(e.throughput_kbps);
  reader.Read(e.viewer);
  reader.Read(e.client_net);
  reader.Read(e.cache);
  reader.Read(e.origin_ms);
  reader.Read(e.bytes);
  reader.Read(e.status);
  reader.Read(e.object);
  return e;
}

// Of the records that a RowBatch holds: a header of 8 bytes, whose first four are the row's length.
inline std::vector<Event> EventsOf(const RowBatch& batch) {
  std::vector<Event> events;
  std::string_view left = batch.records();
  while (!left.empty()) {
    uint32_t length = 0;
    std::memcpy(&length, left.data(), sizeof(length));
    events.push_back(EventOfRow(left.substr(8, length)));
    left.remove_prefix(8 + length);
  }
  return events;
}

inline std::vector<Event> EventsOf(Batch& batch) {
  std::vector<Event> events;
  for (const RowBatch& rows : batch.TakeRows()) {
    for (Event& event : EventsOf(rows)) events.push_back(std::move(event));
  }
  return events;
}

}  // namespace vora::analytics
