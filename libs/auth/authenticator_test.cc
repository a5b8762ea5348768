#include "libs/auth/authenticator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/auth/fleet_tokens.h"
#include "libs/auth/jwt_authenticator.h"
#include "libs/auth/testing/test_keys.h"
#include "libs/auth/token.h"
#include "libs/testing/status_matchers.h"

namespace vora::auth {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
constexpr int64_t kNow = 1'700'000'000;  // FakeClock's
const std::string kSecret(32, 'u'), kFleetSecret(32, 'f');

std::string ClaimsText(const std::string& scope, int64_t lifetime = 3600) {
  return json{{"aud", "vora"}, {"exp", kNow + lifetime}, {"sub", "ann"}, {"tenant", "acme"}, {"scope", scope}}.dump();
}

class AuthenticatorTest : public ::testing::Test {
 protected:
  AuthenticatorTest() {
    settings_.secret = kSecret;
    settings_.audience = "vora";
    settings_.fleet_secret = kFleetSecret;
    auto opened = OpenJwt(settings_, metrics_, clock_);
    EXPECT_THAT(opened, IsOk());
    if (opened.ok()) authenticator_ = *opened;
  }
  StatusOr<Caller> Authorize(const std::string& authorization, Scope scope = Scope::kRead) const {
    return authenticator_->Authorize({authorization, std::nullopt}, scope);
  }
  StatusOr<Caller> Show(const std::string& token, Scope scope = Scope::kRead) const { return Authorize("Bearer " + token, scope); }
  void ExpectRefused(const std::string& reason, double times) const {
    EXPECT_THAT(metrics_.Expose(),
                HasSubstr("vora_auth_refused_total{reason=\"" + reason + "\"} " + std::to_string(static_cast<int>(times)) + "\n"));
  }

  FakeClock clock_;
  obs::Metrics metrics_;
  AuthSettings settings_;
  std::shared_ptr<Authenticator> authenticator_;
};

TEST_F(AuthenticatorTest, LetsInWhoMay) {
  const auto caller = Show(SignHs256(ClaimsText("read upload"), kSecret));
  ASSERT_THAT(caller, IsOk());
  EXPECT_EQ(caller->subject, "ann");
  EXPECT_EQ(caller->tenant, "acme");
  EXPECT_TRUE(authenticator_->enabled());
  EXPECT_THAT(Authorize("bearer " + SignHs256(ClaimsText("read"), kSecret)), IsOk()) << "the scheme's case does not matter";
}

TEST_F(AuthenticatorTest, NamesTheScopeThatIsMissing) {
  const std::string token = SignHs256(ClaimsText("read upload"), kSecret);
  const Status denied = Show(token, Scope::kOperate).status();
  EXPECT_THAT(denied, StatusIs(StatusCode::kPermissionDenied));
  EXPECT_EQ(Message(denied), "the token does not have the scope `operate`");
  const Status either = authenticator_->AuthorizeAny({"Bearer " + token, {}}, {Scope::kOperate, Scope::kFleet}).status();
  EXPECT_EQ(Message(either), "the token does not have the scope `operate` or `fleet`");
  EXPECT_THAT(authenticator_->AuthorizeAny({"Bearer " + token, {}}, {Scope::kOperate, Scope::kUpload}), IsOk());
  ExpectRefused("scope", 2);
}

TEST_F(AuthenticatorTest, RefusesAllOthersAndCountsWhy) {
  const std::string good = SignHs256(ClaimsText("read"), kSecret);
  const std::pair<std::string, std::string> table[] = {
      {"", "missing"},
      {"Basic YTpi", "malformed"},
      {"Bearer", "malformed"},
      {"Bearer ", "malformed"},
      {"Bearer a b", "malformed"},
      {"Bearer " + good + " ", "malformed"},
      {"Bearer  " + good, "malformed"},
      {"Bearer " + SignHs256(ClaimsText("read"), std::string(32, 'x')), "signature"},
      {"Bearer eyJhbGciOiJub25lIn0.e30.", "algorithm"},
      {"Bearer " + SigningKey::Ec("k").Sign(ClaimsText("read")), "algorithm"},
      {"Bearer " + SignHs256(ClaimsText("read", -31), kSecret), "expired"},
      {"Bearer " + SignHs256(R"({"aud":"other","exp":1900000000,"scope":"read"})", kSecret), "audience"},
      {"Bearer " + SignHs256(R"({"aud":"vora","scope":"read"})", kSecret), "claims"},
  };
  std::map<std::string, int> counted;
  for (const auto& [authorization, reason] : table) {
    const Status status = Authorize(authorization).status();
    EXPECT_THAT(status, StatusIs(StatusCode::kUnauthenticated)) << authorization;
    EXPECT_THAT(Message(status), ::testing::Not(HasSubstr("eyJ")));
    ExpectRefused(reason, ++counted[reason]);
  }
}

TEST_F(AuthenticatorTest, ATokenThatWasGoodIsRefusedOnceItHasExpired) {
  const std::string token = SignHs256(ClaimsText("read", 60), kSecret);
  EXPECT_THAT(Show(token), IsOk());
  clock_.Advance(std::chrono::seconds(89));
  EXPECT_THAT(Show(token), IsOk()) << "leeway";
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_EQ(Message(Show(token).status()), "the token has expired") << "also when it was remembered";
}

TEST_F(AuthenticatorTest, TheCacheTellsTokensApart) {
  const std::string reader = SignHs256(ClaimsText("read"), kSecret), writer = SignHs256(ClaimsText("write"), kSecret);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Show(reader), IsOk());
    EXPECT_THAT(Show(writer), StatusIs(StatusCode::kPermissionDenied));
    EXPECT_EQ(Show(reader.substr(0, reader.rfind('.') + 1) + writer.substr(writer.rfind('.') + 1)).status().code(),
              StatusCode::kUnauthenticated);
  }
  for (int i = 0; i < 25'000; ++i) ASSERT_THAT(Show(SignHs256(ClaimsText("read", 60 + i), kSecret)), IsOk());
  EXPECT_THAT(Show(reader), IsOk());
}

TEST_F(AuthenticatorTest, DaemonsLetEachOtherIn) {
  const std::string shown = authenticator_->FleetAuthorization();
  const auto caller = Authorize(shown, Scope::kFleet);
  ASSERT_THAT(caller, IsOk());
  EXPECT_THAT(Authorize(shown, Scope::kRead), StatusIs(StatusCode::kPermissionDenied)) << "no scope implies another";
  EXPECT_EQ(authenticator_->FleetAuthorization(), shown) << "made anew only now and then";
  clock_.Advance(std::chrono::seconds(200));
  EXPECT_NE(authenticator_->FleetAuthorization(), shown);
  EXPECT_THAT(Authorize(shown, Scope::kFleet), IsOk());
  clock_.Advance(std::chrono::seconds(131));
  EXPECT_EQ(Message(Authorize(shown, Scope::kFleet).status()), "the token has expired");
}

TEST_F(AuthenticatorTest, UsersCannotPassForDaemons) {
  const std::string claims = json{{"aud", "vora-fleet"}, {"exp", kNow + 60}, {"scope", "fleet"}}.dump();
  EXPECT_THAT(Show(SignHs256(claims, kSecret, kFleetKeyId), Scope::kFleet), StatusIs(StatusCode::kUnauthenticated));
  EXPECT_EQ(Message(Show(SignHs256(claims, kSecret), Scope::kFleet).status()), "the token is for another audience");
  EXPECT_THAT(Show(SignHs256(ClaimsText("read fleet"), kSecret), Scope::kFleet), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_EQ(Message(Show(SignHs256(ClaimsText("read"), kFleetSecret, kFleetKeyId)).status()), "the token is for another audience")
      << "nor daemons for users";
  EXPECT_EQ(Message(Show(SignHs256(ClaimsText("read"), kFleetSecret)).status()), "the token's signature is wrong");
}

TEST_F(AuthenticatorTest, AVerifiedPeerIsOfTheFleet) {
  const auto caller = authenticator_->Authorize({"", "vora-metadata"}, Scope::kFleet);
  ASSERT_THAT(caller, IsOk());
  EXPECT_EQ(caller->subject, "vora-metadata");
  EXPECT_THAT(authenticator_->Authorize({"", "vora-metadata"}, Scope::kRead), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(authenticator_->Authorize({"Bearer x", "vora-metadata"}, Scope::kFleet), StatusIs(StatusCode::kUnauthenticated))
      << "what is shown is judged";
}

TEST(OpenTest, WithAuthOffEverybodyMayDoEverythingAsTheDefaultTenant) {
  obs::Metrics metrics;
  AuthSettings settings;
  settings.mode = "none";
  const auto open = Authenticator::Open(settings, metrics);
  ASSERT_THAT(open, IsOk());
  const auto caller = (*open)->Authorize({"Bearer nonsense", {}}, Scope::kOperate);
  ASSERT_THAT(caller, IsOk());
  EXPECT_EQ(caller->tenant, "default");
  for (const Scope scope : {Scope::kUpload, Scope::kRead, Scope::kWrite, Scope::kOperate, Scope::kFleet}) EXPECT_TRUE(caller->Has(scope));
  EXPECT_FALSE((*open)->enabled());
}

TEST(OpenTest, SettingsThatCannotWorkAreNamedAllAtOnce) {
  AuthSettings settings;
  settings.secret = "short";
  settings.fleet_secret = "short too";
  settings.jwks = "http://id.example/keys";
  settings.tenant_claim = "";
  obs::Metrics metrics;
  const Status status = Authenticator::Open(settings, metrics).status();
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument));
  for (const char* name :
       {"VORA_JWT_SECRET: ", "VORA_FLEET_SECRET: ", "VORA_JWT_JWKS: ", "VORA_JWT_AUDIENCE: ", "VORA_JWT_TENANT_CLAIM: "}) {
    EXPECT_THAT(Message(status), HasSubstr(name));
  }
  EXPECT_THAT(Message(status), ::testing::Not(HasSubstr("short")));
}

TEST(OpenTest, SecretsOfTheExampleDoNotProtectAnything) {
  AuthSettings settings;
  settings.audience = "vora";
  settings.secret = kSecret;
  settings.fleet_secret = "change-me-fleet-0123456789abcdef0123";
  EXPECT_THAT(Message(settings.Check()), HasSubstr("VORA_FLEET_SECRET: is that of the example"));
  settings.mode = "none";
  EXPECT_THAT(settings.Check(), IsOk()) << "where nothing is protected they may stay";
}

}  // namespace
}  // namespace vora::auth
