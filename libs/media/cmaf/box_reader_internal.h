#pragma once

// ISO base media file format boxes as BoxWriter writes them, read back: sizes of 32 bits.

#include <cstdint>
#include <string_view>

namespace vora::media {

// Big-endian. What would lie beyond the end reads as 0, and `ok` is false from then on.
class BoxReader {
 public:
  explicit BoxReader(std::string_view bytes) : left_(bytes) {}
  uint32_t U32() {
    const std::string_view bytes = Bytes(4);
    uint32_t value = 0;
    for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
    return value;
  }
  uint64_t U64() {
    const uint64_t high = U32();
    return high << 32 | U32();
  }
  std::string_view Bytes(size_t size) {
    if (size > left_.size()) ok_ = false, size = 0;
    const std::string_view bytes = left_.substr(0, size);
    left_.remove_prefix(size);
    return bytes;
  }
  void Skip(size_t size) { (void)Bytes(size); }
  bool ok() const { return ok_; }

 private:
  std::string_view left_;
  bool ok_ = true;
};

// The whole first box of `type`, with its header; empty when there is none.
inline std::string_view FindBox(std::string_view boxes, std::string_view type) {
  while (boxes.size() >= 8) {
    const uint32_t size = BoxReader(boxes).U32();
    if (size < 8 || size > boxes.size()) return {};
    if (boxes.substr(4, 4) == type) return boxes.substr(0, size);
    boxes.remove_prefix(size);
  }
  return {};
}

// The same in what the box `parent` holds.
inline std::string_view FindIn(std::string_view parent, std::string_view type) {
  return parent.size() < 8 ? std::string_view() : FindBox(parent.substr(8), type);
}

}  // namespace vora::media
