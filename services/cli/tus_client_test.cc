#include "services/cli/tus_client.h"

#include <gtest/gtest.h>

namespace vora::cli {
namespace {

TEST(TusClientTest, EncodesMetadata) {
  EXPECT_EQ(EncodeUploadMetadata({}), "");
  EXPECT_EQ(EncodeUploadMetadata({{"filename", "a b.mp4"}, {"flag", ""}}), "filename YSBiLm1wNA==,flag");
}

}  // namespace
}  // namespace vora::cli
