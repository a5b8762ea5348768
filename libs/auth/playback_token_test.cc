#include "libs/auth/playback_token.h"

#include <gtest/gtest.h>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/testing/status_matchers.h"

namespace vora::auth {
namespace {

constexpr char kVideo[] = "019a0000000070008000000000000001";
const SystemTime kTokenNow{std::chrono::seconds(1'800'000'000)};
const PlaybackKey kOld{"old", "an old secret of enough bytes"};
const PlaybackKey kNew{"new", "a new secret of enough bytes"};

PlaybackClaims Claims(int64_t ttl = 60) { return {kVideo, "play", 1'800'000'000 + ttl}; }

TEST(PlaybackTokens, SignedTokenVerifiesAndIsSafeInUrlsAndCookies) {
  const PlaybackTokens tokens({kNew});
  const std::string token = tokens.Sign(Claims());
  for (const char c : token) EXPECT_TRUE(isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-') << token;
  const auto claims = tokens.Verify(token, kVideo, "play", kTokenNow);
  ASSERT_THAT(claims, IsOk());
  EXPECT_EQ(claims->video_id, kVideo);
  EXPECT_EQ(claims->expires_at_unix, 1'800'000'060);
}

TEST(PlaybackTokens, ExpiresAtTheSecondNamed) {
  const PlaybackTokens tokens({kNew});
  const std::string token = tokens.Sign(Claims(10));
  EXPECT_THAT(tokens.Verify(token, kVideo, "play", kTokenNow + std::chrono::milliseconds(9999)), IsOk());
  const auto late = tokens.Verify(token, kVideo, "play", kTokenNow + std::chrono::seconds(10));
  EXPECT_THAT(late, StatusIs(StatusCode::kUnauthenticated));
  EXPECT_EQ(Message(late.status()), "playback token has expired");
}

TEST(PlaybackTokens, AnotherVideoOrScopeIsDenied) {
  const PlaybackTokens tokens({kNew});
  const std::string token = tokens.Sign(Claims());
  EXPECT_THAT(tokens.Verify(token, "019a0000000070008000000000000002", "play", kTokenNow), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(tokens.Verify(token, kVideo, "download", kTokenNow), StatusIs(StatusCode::kPermissionDenied));
}

TEST(PlaybackTokens, EveryChangedCharacterIsRefused) {
  const PlaybackTokens tokens({kNew});
  const std::string token = tokens.Sign(Claims());
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_THAT(tokens.Verify(changed, kVideo, "play", kTokenNow), StatusIs(StatusCode::kUnauthenticated)) << "at " << i;
    EXPECT_THAT(tokens.Verify(token.substr(0, i), kVideo, "play", kTokenNow), StatusIs(StatusCode::kUnauthenticated)) << "cut at " << i;
  }
  EXPECT_THAT(tokens.Verify(token + "A", kVideo, "play", kTokenNow), ::testing::Not(IsOk()));
}

TEST(PlaybackTokens, KeysRotate) {
  const PlaybackTokens before({kOld});
  const PlaybackTokens during({kNew, kOld});
  const PlaybackTokens after({kNew});
  const std::string from_before = before.Sign(Claims());
  const std::string from_during = during.Sign(Claims());
  EXPECT_THAT(during.Verify(from_before, kVideo, "play", kTokenNow), IsOk());
  EXPECT_THAT(after.Verify(from_during, kVideo, "play", kTokenNow), IsOk());
  const auto retired = after.Verify(from_before, kVideo, "play", kTokenNow);
  EXPECT_THAT(retired, StatusIs(StatusCode::kUnauthenticated));
  EXPECT_EQ(Message(retired.status()), "playback token is signed with an unknown key");
  // The same id with another secret must not do.
  const PlaybackTokens impostor(std::vector<PlaybackKey>{{"new", "quite another secret of enough bytes"}});
  EXPECT_EQ(Message(impostor.Verify(from_during, kVideo, "play", kTokenNow).status()), "playback token has a bad signature");
}

TEST(PlaybackTokens, MalformedTokens) {
  const PlaybackTokens tokens({kNew});
  const std::string signed_head = "v1.new." + Base64UrlEncode("no fields");
  const std::string table[] = {
      "",
      ".",
      "...",
      "v1",
      "v1.new",
      "v1.new.",
      "v1.new..",
      "v2.new.YQ.YQ",
      "v1..YQ.YQ",
      "v1.new.YQ.YQ.YQ",
      std::string(600, 'a'),
      std::string("v1.new.\0.YQ", 11),
      "v1.new.%2e.YQ",
      "v1.new.YQ.YQ\n",
      signed_head + "." + Base64UrlEncode(HmacSha256(kNew.secret, signed_head)),
  };
  for (const std::string& token : table) {
    EXPECT_THAT(tokens.Verify(token, kVideo, "play", kTokenNow), StatusIs(StatusCode::kUnauthenticated)) << token;
  }
}

TEST(ParsePlaybackKeys, ReadsPlainAndHexSecrets) {
  const auto keys = ParsePlaybackKeys("a:plain secret : with colon,b:000102030405060708090a0b0c0d0e0f");
  ASSERT_THAT(keys, IsOk());
  ASSERT_EQ(keys->size(), 2u);
  EXPECT_EQ((*keys)[0].id, "a");
  EXPECT_EQ((*keys)[0].secret, "plain secret : with colon");
  EXPECT_EQ((*keys)[1].secret.size(), 16u);
  EXPECT_EQ((*keys)[1].secret[1], '\x01');
}

TEST(ParsePlaybackKeys, NamesTheEntryButNeverTheSecret) {
  struct Case {
    std::string text, says;
  };
  const std::string good = "ok:0123456789abcdefXYZ";
  const Case table[] = {
      {"", "entry 1 must be id:secret"},
      {good + ",", "entry 2 must be id:secret"},
      {"tellnobody", "entry 1 must be id:secret"},
      {":tellnobodytellnobody", "entry 1 has a bad id"},
      {"a b:tellnobodytellnobody", "entry 1 has a bad id"},
      {"averyveryverylongid:tellnobodytellnobody", "entry 1 has a bad id"},
      {good + ",k2:tellnobody", "entry 2 (id k2) has a secret of less than 16 bytes"},
      {good + ",ok:tellnobodytellnobody", "entry 2 repeats the id ok"},
  };
  for (const Case& c : table) {
    const auto keys = ParsePlaybackKeys(c.text);
    ASSERT_THAT(keys, StatusIs(StatusCode::kInvalidArgument)) << c.text;
    EXPECT_NE(Message(keys.status()).find(c.says), std::string::npos) << Message(keys.status());
    EXPECT_EQ(Message(keys.status()).find("tellnobody"), std::string::npos) << Message(keys.status());
  }
}

}  // namespace
}  // namespace vora::auth
