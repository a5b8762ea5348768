#pragma once

// Part buffers that are used again, so that a busy daemon neither zeroes nor fragments memory. Thread-safe.

#include <cstddef>
#include <memory>
#include <string_view>

namespace vora::upload {

// kPartSize bytes of page-aligned memory; pages cost nothing until touched.
class PartBuffer {
 public:
  explicit PartBuffer(size_t capacity);
  ~PartBuffer();
  PartBuffer(const PartBuffer&) = delete;
  PartBuffer& operator=(const PartBuffer&) = delete;

  char* data() { return data_; }
  size_t capacity() const { return capacity_; }
  bool full() const { return filled == capacity_; }
  std::string_view bytes() const { return {data_, filled}; }

  size_t filled = 0;
  size_t hashed = 0;  // the leading bytes the whole-file digest already covers

 private:
  char* data_;
  size_t capacity_;
};

class BufferPool {
 public:
  // Keeps up to `max_idle` buffers for reuse and gives the others back to the operating system.
  BufferPool(size_t buffer_bytes, size_t max_idle);
  // Returns to the pool with the last reference, also after the pool's end.
  std::shared_ptr<PartBuffer> Take();
  size_t idle() const;

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace vora::upload
