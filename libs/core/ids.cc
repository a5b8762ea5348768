#include "libs/core/ids.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>

#include "libs/core/encoding.h"

namespace vora {
namespace {

void FillRandom(char* out, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = getrandom(out + done, size - done, 0);
    if (got > 0) {
      done += static_cast<size_t>(got);
    } else if (errno != EINTR) {
      std::abort();  // an id that is not random is worse than no process
    }
  }
}

}  // namespace

std::string NewId() {
  std::array<char, 16> bytes{};
  FillRandom(bytes.data(), bytes.size());
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  auto millis = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  for (size_t i = 6; i-- > 0; millis >>= 8) bytes[i] = static_cast<char>(millis & 0xff);
  bytes[6] = static_cast<char>(0x70 | (static_cast<unsigned char>(bytes[6]) & 0x0f));  // version 7
  bytes[8] = static_cast<char>(0x80 | (static_cast<unsigned char>(bytes[8]) & 0x3f));  // variant 10
  return HexEncode({bytes.data(), bytes.size()});
}

bool IsId(std::string_view text) {
  return text.size() == 32 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string RandomHex(int bytes) {
  std::string raw(static_cast<size_t>(bytes), '\0');
  FillRandom(raw.data(), raw.size());
  return HexEncode(raw);
}

}  // namespace vora
