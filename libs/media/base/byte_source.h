#pragma once

// Random access to the bytes of one source file. The only way media code reads input: FFmpeg never opens a path or URL here.

#include <cstdint>
#include <memory>
#include <string>

#include "libs/core/status.h"

namespace vora::media {

// Not thread-safe; owned by one reader at a time.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual int64_t size() const = 0;
  // Up to `size` bytes from `offset`; 0 at or beyond the end. An error ends the use of the source.
  virtual StatusOr<size_t> ReadAt(int64_t offset, char* buffer, size_t size) = 0;
};

// A local file. NOT_FOUND when it cannot be opened.
StatusOr<std::unique_ptr<ByteSource>> OpenFileSource(const std::string& path);

}  // namespace vora::media
