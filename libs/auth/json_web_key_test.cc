#include "libs/auth/json_web_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/auth/testing/test_keys.h"
#include "libs/testing/status_matchers.h"

namespace vora::auth {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// RFC 7517 appendix A.1: an EC key for encryption and an RSA key.
constexpr char kRfcSet[] =
    R"({"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"},{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}]})";

std::string Problem(const json& jwk) {
  const auto key = VerificationKey::FromJwk(jwk.dump());
  return key.ok() ? "" : Message(key.status());
}

TEST(JsonWebKeyTest, ReadsThePublishedSet) {
  const auto set = ParseKeySet(kRfcSet);
  ASSERT_THAT(set, IsOk());
  ASSERT_EQ(set->keys.size(), 1u);
  EXPECT_EQ(set->keys[0].id(), "2011-04-29");
  EXPECT_EQ(set->keys[0].algorithm(), Algorithm::kRs256);
  EXPECT_THAT(set->skipped, ElementsAre("key 1 (kid 1) is not for signatures (`use`)"));
}

TEST(JsonWebKeyTest, OnlyKeysForVerifyingAreTaken) {
  const json ec = json::parse(SigningKey::Ec("e").PublicJwk());
  const auto with = [&](const char* name, const json& value) {
    json changed = ec;
    changed[name] = value;
    return Problem(changed);
  };
  EXPECT_EQ(Problem(ec), "");
  EXPECT_EQ(with("use", "sig"), "");
  EXPECT_EQ(with("key_ops", {"verify"}), "");
  EXPECT_EQ(with("alg", "ES256"), "");
  EXPECT_THAT(with("alg", "RS256"), HasSubstr("another algorithm"));
  EXPECT_THAT(with("alg", "none"), HasSubstr("another algorithm"));
  EXPECT_THAT(with("use", "enc"), HasSubstr("`use`"));
  EXPECT_THAT(with("key_ops", {"sign"}), HasSubstr("`key_ops`"));
  EXPECT_THAT(with("crv", "P-384"), HasSubstr("neither"));
  EXPECT_THAT(with("x", "AAAA"), HasSubstr("cannot be read"));
  EXPECT_THAT(with("x", ec["y"]), HasSubstr("cannot be read")) << "a point that is not on the curve";
  EXPECT_THAT(with("kid", 7), HasSubstr("no text"));
  EXPECT_THAT(with("kid", std::string(300, 'k')), HasSubstr("256 bytes"));
  EXPECT_THAT(Problem(json::parse(SigningKey::Ec("e").PrivateJwk())), HasSubstr("private"));
  EXPECT_THAT(Problem({{"kty", "oct"}, {"k", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, {"alg", "HS256"}}), HasSubstr("neither"));
  EXPECT_THAT(Problem({{"kty", "RSA"}}), HasSubstr("cannot be read"));
  EXPECT_THAT(Problem(json::array()), HasSubstr("not a JSON object"));
}

TEST(JsonWebKeyTest, NumbersThatAreNoBase64UrlAreRefused) {
  const std::string good = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
  for (const std::string bad : {"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRV=U", "====", "a b", ""}) {
    EXPECT_THAT(VerificationKey::FromJwk(R"({"kty":"EC","crv":"P-256","x":")" + bad + R"(","y":")" + good + R"("})"),
                StatusIs(StatusCode::kInvalidArgument))
        << bad;
    EXPECT_THAT(VerificationKey::FromJwk(R"({"kty":"RSA","e":"AQAB","n":")" + bad + R"("})"), StatusIs(StatusCode::kInvalidArgument))
        << bad;
  }
}

TEST(JsonWebKeyTest, SmallRsaKeysAreRefused) {
  EXPECT_THAT(Problem(json::parse(SigningKey::Rsa("r", 1024).PublicJwk())), HasSubstr("1024 bits"));
  EXPECT_EQ(Problem(json::parse(SigningKey::Rsa("r", 2048).PublicJwk())), "");
}

TEST(JsonWebKeyTest, OddSetsAreRefused) {
  for (const std::string& odd :
       {std::string(), std::string("[]"), std::string("{}"), std::string(R"({"keys":{}})"), std::string(R"({"keys":[]})"),
        std::string(R"({"keys":[7,null,{}]})"), std::string(kMaxKeySetBytes + 1, ' ')}) {
    EXPECT_THAT(ParseKeySet(odd), StatusIs(StatusCode::kInvalidArgument)) << odd.substr(0, 40);
  }
  json many = {{"keys", json::array()}};
  for (size_t i = 0; i <= kMaxKeys; ++i) many["keys"].push_back(json::object());
  EXPECT_THAT(Message(ParseKeySet(many.dump()).status()), HasSubstr("more than 64"));
}

}  // namespace
}  // namespace vora::auth
