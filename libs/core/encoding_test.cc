#include "libs/core/encoding.h"

#include <gtest/gtest.h>

namespace vora {
namespace {

std::string AllBytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

TEST(EncodingTest, Base64MatchesTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(Base64Encode(plain), encoded);
    EXPECT_EQ(Base64Decode(encoded), plain);
  }
}

TEST(EncodingTest, Base64IsStrict) {
  for (const char* bad : {"Zg", "Zg=", "Zg===", "====", "=", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "Zm-_", "Z===", "Zg==Zg=="}) {
    EXPECT_EQ(Base64Decode(bad), std::nullopt) << bad;
  }
}

TEST(EncodingTest, Base64UrlHasItsOwnAlphabetAndNoPadding) {
  EXPECT_EQ(Base64UrlEncode("\xfb\xff\xfe"), "-__-");
  EXPECT_EQ(Base64UrlEncode("f"), "Zg");
  EXPECT_EQ(Base64UrlDecode("Zg"), "f");
  for (const char* bad : {"Zg==", "+//+", "Z", "Zh"}) EXPECT_EQ(Base64UrlDecode(bad), std::nullopt) << bad;
}

TEST(EncodingTest, EveryEncodingGivesAllBytesBack) {
  const std::string bytes = AllBytes();
  EXPECT_EQ(HexDecode(HexEncode(bytes)), bytes);
  EXPECT_EQ(PercentDecode(PercentEncode(bytes)), bytes);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(Base64Decode(Base64Encode(bytes.substr(size))), bytes.substr(size));
    EXPECT_EQ(Base64UrlDecode(Base64UrlEncode(bytes.substr(size))), bytes.substr(size));
  }
}

TEST(EncodingTest, HexIsLowerCaseAndReadsBothCases) {
  EXPECT_EQ(HexEncode("\x0f\xa0"), "0fa0");
  EXPECT_EQ(HexDecode("0fA0"), std::string("\x0f\xa0"));
  EXPECT_EQ(HexDecode("0f0"), std::nullopt);
  EXPECT_EQ(HexDecode("0g"), std::nullopt);
}

TEST(EncodingTest, PercentEncodingLeavesOnlyUnreservedCharacters) {
  EXPECT_EQ(PercentEncode("a b/ä~-._"), "a%20b%2F%C3%A4~-._");
  EXPECT_EQ(PercentEncode("raw/a+b", true), "raw/a%2Bb");
}

TEST(EncodingTest, BrokenPercentEscapesAreRefused) {
  for (const char* bad : {"%", "%4", "a%", "%zz", "%4z", "%%41"}) EXPECT_EQ(PercentDecode(bad), std::nullopt) << bad;
  EXPECT_EQ(PercentDecode("a+b%2f"), "a+b/");
}

}  // namespace
}  // namespace vora
