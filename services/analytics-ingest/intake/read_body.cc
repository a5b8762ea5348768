#include "services/analytics-ingest/intake/read_body.h"

#include "libs/core/error.h"

#include <algorithm>

namespace vora::analytics {
namespace {

constexpr size_t kFirstPiece = 16 << 10;  // of a body that does not tell its length
constexpr size_t kSpare = 64;             // what parsers want after the text

}  // namespace

http::Task<StatusOr<std::string>> ReadWholeBody(http::Exchange& exchange, size_t limit, std::chrono::milliseconds patience) {
  const auto length = exchange.request().content_length;
  if (length && *length > static_cast<int64_t>(limit)) co_return http::PayloadTooLarge(limit);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::string body;
  body.reserve((length ? static_cast<size_t>(*length) : kFirstPiece) + kSpare);
  body.resize(length ? static_cast<size_t>(*length) : kFirstPiece);
  size_t filled = 0;
  while (true) {
    // A body of known length ends with one more read, which says 0.
    // One byte more than the limit is enough to know that it is too long.
    if (filled == body.size() && !length) body.resize(std::min(2 * filled, limit + 1));
    char end = 0;
    const std::span<char> room =
        filled < body.size() ? std::span<char>(body.data() + filled, body.size() - filled) : std::span<char>(&end, 1);
    const StatusOr<size_t> read = co_await exchange.ReadBody(room);
    if (!read.ok()) co_return read.status();
    if (*read == 0) break;
    filled += *read;
    if (filled > limit) co_return http::PayloadTooLarge(limit);
    // Of the whole body: the server's own limits only see pauses, and a slow drip has none.
    if (std::chrono::steady_clock::now() > deadline) {
      co_return MakeError(errors::kRequestTimeout, "the body did not come within " + std::to_string(patience.count() / 1000) + " s");
    }
  }
  body.resize(filled);
  co_return body;
}

}  // namespace vora::analytics
