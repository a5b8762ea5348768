#include "libs/core/digest.h"

#include <gtest/gtest.h>

#include "libs/core/encoding.h"
#include "libs/testing/status_matchers.h"

namespace vora {
namespace {

constexpr std::string_view kFox = "The quick brown fox jumps over the lazy dog";

std::string HexDigest(std::string_view algorithm, std::string_view bytes) {
  const auto digest = Digest::Create(algorithm);
  digest->Update(bytes.substr(0, bytes.size() / 2));
  digest->Update(bytes.substr(bytes.size() / 2));
  return HexEncode(digest->Finish());
}

std::string Pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 131 + i / 251) & 0xff);
  return bytes;
}

TEST(DigestTest, MatchesPublishedVectors) {
  EXPECT_EQ(HexDigest("sha1", kFox), "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12");
  EXPECT_EQ(HexDigest("sha256", kFox), "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592");
  EXPECT_EQ(HexDigest("md5", kFox), "9e107d9d372bb6826bd81d3542a419d6");
  EXPECT_EQ(HexDigest("crc32", kFox), "414fa339");
  EXPECT_EQ(HexDigest("crc32", "123456789"), "cbf43926");
  EXPECT_EQ(HexDigest("sha256", ""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(HexDigest("crc32", ""), "00000000");
}

TEST(DigestTest, UnknownAlgorithmsGiveNothing) {
  EXPECT_EQ(Digest::Create("sha512"), nullptr);
  EXPECT_EQ(Digest::Create("SHA256"), nullptr);
  EXPECT_EQ(Digest::Create(""), nullptr);
}

TEST(DigestTest, HmacMatchesTheVectorsOfRfc4231) {
  EXPECT_EQ(HexEncode(HmacSha256(std::string(20, '\x0b'), "Hi There")), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(HexEncode(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(HexEncode(HmacSha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(HexEncode(HmacSha256("", "")), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(DigestTest, ConstantTimeEqualComparesContentAndLength) {
  EXPECT_TRUE(ConstantTimeEqual("abc", "abc"));
  EXPECT_TRUE(ConstantTimeEqual("", ""));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abcd"));
}

TEST(Sha256StateTest, SaveAndRestoreAtEveryLengthAroundABlock) {
  const std::string bytes = Pattern(300);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    Sha256State first;
    first.Update(std::string_view(bytes).substr(0, cut));
    auto second = Sha256State::Restore(first.Save());
    ASSERT_THAT(second, IsOk()) << cut;
    second->Update(std::string_view(bytes).substr(cut));
    EXPECT_EQ(second->Finish(), Sha256(bytes)) << cut;
  }
}

TEST(Sha256StateTest, SurvivesManySavesAtOddLengths) {
  const std::string bytes = Pattern(1'000'003);
  Sha256State state;
  size_t step = 1;
  for (size_t at = 0; at < bytes.size();) {
    auto restored = Sha256State::Restore(state.Save());
    ASSERT_THAT(restored, IsOk());
    state = *restored;
    state.Update(std::string_view(bytes).substr(at, step));
    at += step;
    step = step * 3 % 9973 + 1;
  }
  EXPECT_EQ(HexEncode(state.Finish()), HexEncode(Sha256(bytes)));
}

TEST(Sha256StateTest, KeepsLengthsBeyondFourGibibytes) {
  // The saved form of 2^33 bytes with the initial h: only the length differs from a fresh state, so the digests must as well.
  auto raw = *Base64Decode(Sha256State().Save());
  ASSERT_EQ(raw.size(), 41U);
  raw[33 + 3] = 2;
  const auto state = Sha256State::Restore(Base64Encode(raw));
  ASSERT_THAT(state, IsOk());
  EXPECT_EQ(Base64Encode(raw), state->Save());
  EXPECT_NE(state->Finish(), Sha256State().Finish());
}

TEST(Sha256StateTest, FinishDoesNotEndTheState) {
  Sha256State state;
  state.Update("The quick brown fox ");
  const std::string half = state.Finish();
  EXPECT_EQ(half, state.Finish());
  Sha256State copy = state;
  state.Update("jumps over the lazy dog");
  EXPECT_EQ(state.Finish(), Sha256(kFox));
  EXPECT_EQ(copy.Finish(), half);
}

TEST(Sha256StateTest, RefusesWhatIsNotASavedState) {
  auto raw = *Base64Decode(Sha256State().Save());
  const std::string longer = Base64Encode(raw + "x");
  std::string other_version = raw;
  other_version[0] = 2;
  std::string too_long = raw;
  too_long[33] = '\xff';
  for (const std::string& bad :
       {std::string(), std::string("!"), std::string("AAAA"), longer, Base64Encode(other_version), Base64Encode(too_long)}) {
    const auto state = Sha256State::Restore(bad);
    EXPECT_THAT(state, StatusIs(StatusCode::kInvalidArgument)) << bad;
  }
}

}  // namespace
}  // namespace vora
