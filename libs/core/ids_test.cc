#include "libs/core/ids.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>

namespace vora {
namespace {

int64_t NowMillis() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

TEST(IdsTest, IsUuidVersion7WithTheTimeInFront) {
  const auto before = NowMillis();
  const std::string id = NewId();
  const auto after = NowMillis();
  ASSERT_TRUE(IsId(id)) << id;
  EXPECT_EQ(id[12], '7') << id;
  EXPECT_NE(std::string("89ab").find(id[16]), std::string::npos) << id;
  const auto millis = std::stoll(id.substr(0, 12), nullptr, 16);
  EXPECT_GE(millis, before);
  EXPECT_LE(millis, after);
}

TEST(IdsTest, IdsDiffer) {
  std::set<std::string> ids;
  for (int i = 0; i < 10'000; ++i) ids.insert(NewId());
  EXPECT_EQ(ids.size(), 10'000U);
}

TEST(IdsTest, RefusesWhatIsNoId) {
  EXPECT_FALSE(IsId(""));
  EXPECT_FALSE(IsId("0190f5b1c2d37e4f8a9b0c1d2e3f405"));
  EXPECT_FALSE(IsId("0190f5b1c2d37e4f8a9b0c1d2e3f40516"));
  EXPECT_FALSE(IsId("0190F5B1C2D37E4F8A9B0C1D2E3F4051"));
  EXPECT_FALSE(IsId("0190f5b1-c2d3-7e4f-8a9b-0c1d2e3f"));
  EXPECT_FALSE(IsId("../../../../../../../etc/passwd0"));
}

TEST(IdsTest, RandomHexHasTwoDigitsPerByte) {
  EXPECT_EQ(RandomHex(8).size(), 16U);
  EXPECT_NE(RandomHex(16), RandomHex(16));
}

}  // namespace
}  // namespace vora
