#include "libs/clickhouse/framing.h"

#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"

namespace vora::clickhouse {
namespace {

TEST(Framing, WhatIsCompressedComesBack) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{1000}, size_t{5} << 20}) {
    std::string data(size, '\0');
    for (size_t i = 0; i < size; ++i) data[i] = static_cast<char>((i * 2654435761U) >> 13);
    auto framed = CompressBlock(data);
    ASSERT_THAT(framed, IsOk());
    auto back = DecompressBlocks(*framed + *framed, 2 * size);
    ASSERT_THAT(back, IsOk());
    EXPECT_TRUE(*back == data + data) << size;
    EXPECT_EQ(DecompressBlocks(*framed, size).ok(), true);
    if (size > 0) {
      EXPECT_THAT(DecompressBlocks(*framed, size - 1), StatusIs(StatusCode::kInvalidArgument));
    }
  }
}

TEST(Framing, NothingButWholeBlocks) {
  auto framed = CompressBlock("some rows, some rows, some rows");
  ASSERT_THAT(framed, IsOk());
  for (size_t cut = 1; cut < framed->size(); ++cut) {
    EXPECT_THAT(DecompressBlocks(framed->substr(0, cut), 1000), StatusIs(StatusCode::kInvalidArgument)) << cut;
  }
  (*framed)[16] = 0x55;
  EXPECT_THAT(DecompressBlocks(*framed, 1000), StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace vora::clickhouse
