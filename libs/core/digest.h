#pragma once

// Digests over streams. Sha256State can be saved and restored, so that the checksum of a whole upload survives crashes and
// changes of replica without reading the bytes again.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace vora {

// One of `sha1`, `sha256`, `md5`, `crc32` (zlib's, big-endian bytes).
class Digest {
 public:
  virtual ~Digest() = default;
  virtual void Update(std::string_view bytes) = 0;
  virtual std::string Finish() = 0;                                   // raw bytes; call once
  static std::unique_ptr<Digest> Create(std::string_view algorithm);  // nullptr: unknown algorithm
};

class Sha256State {
 public:
  Sha256State();
  Sha256State(const Sha256State&);
  Sha256State& operator=(const Sha256State&);
  ~Sha256State();
  void Update(std::string_view bytes);
  std::string Finish() const;                                    // raw 32 bytes; the state can go on
  std::string Save() const;                                      // text for JSON (base64)
  static StatusOr<Sha256State> Restore(std::string_view saved);  // INVALID_ARGUMENT when it is not a saved state

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string Sha256(std::string_view bytes);                            // raw 32 bytes
std::string HmacSha256(std::string_view key, std::string_view bytes);  // raw 32 bytes
bool ConstantTimeEqual(std::string_view a, std::string_view b);

}  // namespace vora
