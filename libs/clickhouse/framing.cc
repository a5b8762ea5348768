#include "libs/clickhouse/framing.h"

#include <lz4.h>

#include <cstdint>
#include <cstring>

namespace vora::clickhouse {
namespace {

constexpr size_t kChecksum = 16, kHeader = 9, kMaxBlock = size_t{1} << 30;
constexpr char kLz4 = static_cast<char>(0x82), kNone = static_cast<char>(0x02);

void PutU32(char* out, uint32_t value) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<char>(value >> (8 * i));
}

uint32_t GetU32(const char* in) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(in[i]);
  return value;
}

}  // namespace

StatusOr<std::string> CompressBlock(std::string_view data) {
  if (data.size() > kMaxBlock) return InvalidArgument("a compressed block holds at most 1 GiB");
  std::string out(kChecksum + kHeader + static_cast<size_t>(LZ4_compressBound(static_cast<int>(data.size()))), '\0');
  const int size = LZ4_compress_default(data.data(), out.data() + kChecksum + kHeader, static_cast<int>(data.size()),
                                        static_cast<int>(out.size() - kChecksum - kHeader));
  if (size <= 0) return Internal("LZ4 could not compress a block");
  out[kChecksum] = kLz4;
  PutU32(&out[kChecksum + 1], static_cast<uint32_t>(size) + kHeader);
  PutU32(&out[kChecksum + 5], static_cast<uint32_t>(data.size()));
  out.resize(kChecksum + kHeader + static_cast<size_t>(size));
  return out;
}

StatusOr<std::string> DecompressBlocks(std::string_view framed, size_t limit) {
  std::string out;
  while (!framed.empty()) {
    if (framed.size() < kChecksum + kHeader) return InvalidArgument("compressed block: cut in its header");
    const char method = framed[kChecksum];
    const size_t packed = GetU32(&framed[kChecksum + 1]), size = GetU32(&framed[kChecksum + 5]);
    if (packed < kHeader || framed.size() - kChecksum < packed) return InvalidArgument("compressed block: cut");
    // Before the memory is taken: the size is what the sender says. Written so that the sum cannot overflow.
    if (size > limit || out.size() > limit - size) return InvalidArgument("compressed block: too much data");
    const std::string_view body = framed.substr(kChecksum + kHeader, packed - kHeader);
    const size_t begin = out.size();
    out.resize(begin + size);
    if (method == kNone) {
      if (body.size() != size) return InvalidArgument("compressed block: sizes differ");
      std::memcpy(out.data() + begin, body.data(), size);
    } else if (method != kLz4 || LZ4_decompress_safe(body.data(), out.data() + begin, static_cast<int>(body.size()),
                                                     static_cast<int>(size)) != static_cast<int>(size)) {
      return InvalidArgument("compressed block: not LZ4, or damaged");
    }
    framed.remove_prefix(kChecksum + packed);
  }
  return out;
}

}  // namespace vora::clickhouse
