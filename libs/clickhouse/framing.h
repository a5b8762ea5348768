#pragma once

// ClickHouse's own compressed blocks (https://clickhouse.com/docs/native-protocol/basics, "compressed block"), with LZ4: 16 bytes of
// checksum, the method 0x82, two little-endian UInt32 (compressed size with these 9 bytes, size of the data), the LZ4 block. The checksum
// is left zero: the reader is told by a setting not to check it, and TCP guards the way there.

#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace vora::clickhouse {

// One block. INVALID_ARGUMENT: beyond the server's limit of 1 GiB.
StatusOr<std::string> CompressBlock(std::string_view data);
// All blocks of `framed`; methods LZ4 and none. INVALID_ARGUMENT: not whole blocks, or more than `limit` bytes.
StatusOr<std::string> DecompressBlocks(std::string_view framed, size_t limit);

}  // namespace vora::clickhouse
