#include "libs/auth/claims.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/testing/status_matchers.h"

namespace vora::auth {
namespace {

using nlohmann::json;
constexpr int64_t kNowSeconds = 1'800'000'000;
const SystemTime kClaimsNow{std::chrono::seconds(kNowSeconds)};
const ClaimRules kRules{"vora", "", "tenant", false};

json Good() { return {{"aud", "vora"}, {"exp", kNowSeconds + 60}, {"sub", "ann"}, {"tenant", "acme"}, {"scope", "read upload"}}; }

std::string Judge(const json& claims, const ClaimRules& rules = kRules, SystemTime now = kClaimsNow) {
  const auto judged = CheckClaims(claims.dump(), rules, now);
  return judged.ok() ? "" : DetailOf(judged.status()).reason;
}

json With(const char* name, json value) {
  json claims = Good();
  claims[name] = std::move(value);
  return claims;
}

json Without(const char* name) {
  json claims = Good();
  claims.erase(name);
  return claims;
}

TEST(ClaimsTest, TellWhoItIs) {
  const auto judged = CheckClaims(Good().dump(), kRules, kClaimsNow);
  ASSERT_THAT(judged, IsOk());
  EXPECT_EQ(judged->caller.subject, "ann");
  EXPECT_EQ(judged->caller.tenant, "acme");
  EXPECT_EQ(judged->caller.scopes, (std::set<Scope>{Scope::kRead, Scope::kUpload}));
  EXPECT_EQ(judged->expires, kClaimsNow + std::chrono::seconds(90)) << "leeway included";
  EXPECT_EQ(CheckClaims(Without("tenant").dump(), kRules, kClaimsNow)->caller.tenant, "default");
}

TEST(ClaimsTest, TimesHoldWithALeewayOfThirtySeconds) {
  EXPECT_EQ(Judge(With("exp", kNowSeconds - 29)), "");
  EXPECT_EQ(Judge(With("exp", kNowSeconds - 30)), "token_expired");
  EXPECT_EQ(Judge(With("exp", kNowSeconds - 29.5)), "");
  EXPECT_EQ(Judge(With("exp", 91'700'003'600)), "") << "later than the clock can say";
  EXPECT_EQ(Judge(With("nbf", 91'700'003'600)), "token_not_yet_valid");
  EXPECT_EQ(Judge(With("nbf", kNowSeconds + 30)), "");
  EXPECT_EQ(Judge(With("nbf", kNowSeconds + 31)), "token_not_yet_valid");
  EXPECT_EQ(Judge(With("iat", kNowSeconds + 30)), "");
  EXPECT_EQ(Judge(With("iat", kNowSeconds + 31)), "token_not_yet_valid");
  EXPECT_EQ(Judge(With("iat", kNowSeconds - 1'000'000)), "");
}

TEST(ClaimsTest, ExpiryIsRequiredAndANumber) {
  EXPECT_EQ(Judge(Without("exp")), "token_claims");
  for (const json& odd : {json("1900000000"), json(nullptr), json(true), json(-1), json(1e300), json::array({1}), json::object()}) {
    EXPECT_EQ(Judge(With("exp", odd)), "token_claims") << odd;
    EXPECT_EQ(Judge(With("nbf", odd)), "token_claims") << odd;
    EXPECT_EQ(Judge(With("iat", odd)), "token_claims") << odd;
  }
  EXPECT_EQ(CheckClaims(R"({"aud":"vora","exp":1e999})", kRules, kClaimsNow).ok(), false);
}

TEST(ClaimsTest, TheAudienceMustBeAmongThoseNamed) {
  EXPECT_EQ(Judge(With("aud", json::array({"other", "vora"}))), "");
  for (const json& odd : {json("other"), json("vora "), json("Vora"), json(""), json::array(), json::array({"other"}), json(7),
                          json(nullptr), json::array({json::array({"vora"})}), json{{"vora", "vora"}}}) {
    EXPECT_EQ(Judge(With("aud", odd)), "token_audience") << odd;
  }
  EXPECT_EQ(Judge(Without("aud")), "token_audience");
}

TEST(ClaimsTest, TheIssuerCountsWhenOneIsSet) {
  ClaimRules rules = kRules;
  rules.issuer = "https://id.example";
  EXPECT_EQ(Judge(Good(), rules), "token_issuer");
  EXPECT_EQ(Judge(With("iss", "https://id.example"), rules), "");
  EXPECT_EQ(Judge(With("iss", "https://id.example/"), rules), "token_issuer");
  EXPECT_EQ(Judge(With("iss", json::array({"https://id.example"})), rules), "token_issuer");
}

TEST(ClaimsTest, ScopesInTheirSpellings) {
  const auto scopes = [](const json& claims, const ClaimRules& rules = kRules) {
    return CheckClaims(claims.dump(), rules, kClaimsNow)->caller.scopes;
  };
  EXPECT_EQ(scopes(Without("scope")), std::set<Scope>{});
  EXPECT_EQ(scopes(With("scope", "openid  read email operate ")), (std::set<Scope>{Scope::kRead, Scope::kOperate}));
  EXPECT_EQ(scopes(With("scope", "READ readx write\tupload")), std::set<Scope>{});
  json scp = Without("scope");
  scp["scp"] = {"write", "read"};
  EXPECT_EQ(scopes(scp), (std::set<Scope>{Scope::kRead, Scope::kWrite}));
  scp["scp"] = "upload read";
  EXPECT_EQ(scopes(scp), (std::set<Scope>{Scope::kRead, Scope::kUpload}));
  EXPECT_EQ(Judge(With("scope", 7)), "token_claims");
  EXPECT_EQ(Judge(With("scp", json::array({"read", 7}))), "token_claims");
  EXPECT_EQ(scopes(With("scope", "fleet read")), std::set<Scope>{Scope::kRead}) << "nobody but a daemon is fleet";
  ClaimRules fleet = kRules;
  fleet.fleet = true;
  EXPECT_EQ(scopes(With("scope", "fleet"), fleet), std::set<Scope>{Scope::kFleet});
}

TEST(ClaimsTest, TenantsAreNames) {
  for (const json& odd : {json(""), json("a b"), json("../x"), json("a'b"), json("a\nb"), json(std::string(65, 'a')), json(7),
                          json(nullptr), json("\u00e4")}) {
    EXPECT_EQ(Judge(With("tenant", odd)), "token_claims") << odd;
  }
  EXPECT_EQ(Judge(With("tenant", std::string(64, 'a'))), "");
  ClaimRules rules = kRules;
  rules.tenant_claim = "https://vora.example/org";
  EXPECT_EQ(CheckClaims(With("https://vora.example/org", "org_1").dump(), rules, kClaimsNow)->caller.tenant, "org_1");
}

TEST(ClaimsTest, ClaimsMustBeAnObject) {
  for (const char* odd : {"", "[]", "null", "7", "{", "{\"exp\":1}x", "\xff"}) {
    const auto judged = CheckClaims(odd, kRules, kClaimsNow);
    ASSERT_THAT(judged, ::testing::Not(IsOk())) << odd;
    EXPECT_TRUE(IsError(judged.status(), errors::kTokenMalformed)) << odd;
  }
  EXPECT_EQ(Judge(With("sub", 7)), "token_claims");
  EXPECT_EQ(Judge(With("sub", std::string(300, 's'))), "token_claims");
}

}  // namespace
}  // namespace vora::auth
