#include "services/cli/tus_client.h"

#include <gtest/gtest.h>

namespace vora::cli {
namespace {

TEST(TusClientTest, EncodesMetadata) {
  EXPECT_EQ(EncodeUploadMetadata({}), "");
  EXPECT_EQ(EncodeUploadMetadata({{"filename", "a b.mp4"}, {"flag", ""}}), "filename YSBiLm1wNA==,flag");
}

TEST(TusClientTest, ResolvesLocations) {
  const std::string base = "http://127.0.0.1:8081/files/";
  EXPECT_EQ(ResolveLocation(base, "http://other/files/1"), "http://other/files/1");
  EXPECT_EQ(ResolveLocation(base, "/files/1"), "http://127.0.0.1:8081/files/1");
  EXPECT_EQ(ResolveLocation(base, "1"), "http://127.0.0.1:8081/files/1");
}

}  // namespace
}  // namespace vora::cli
