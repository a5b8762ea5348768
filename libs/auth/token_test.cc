#include "libs/auth/token.h"

#include <gtest/gtest.h>

#include "libs/auth/testing/test_keys.h"
#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/core/error.h"
#include "libs/testing/status_matchers.h"

namespace vora::auth {
namespace {

// RFC 7515 appendix A.1.
constexpr char kRfcHs256[] =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
constexpr char kRfcHs256Key[] = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
// Appendix A.2.
constexpr char kRfcRs256[] =
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAyn"
    "RFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnv"
    "Wh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
constexpr char kRfcRs256Key[] =
    R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"})";
// Appendix A.3.
constexpr char kRfcEs256[] =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
constexpr char kRfcEs256Key[] =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
// Appendix A.5: unsecured.
constexpr char kRfcNone[] =
    "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
// Appendix E: demands an extension.
constexpr char kRfcCritical[] =
    "eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6Ly9leGFtcGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0."
    "RkFJTA.";

const std::string kHmacSecret(32, 'k');

VerificationKey Jwk(const std::string& json) {
  auto key = VerificationKey::FromJwk(json);
  EXPECT_THAT(key, IsOk());
  return *key;
}

// "" when it is genuine, else the reason.
std::string Judge(const std::string& compact, const std::vector<VerificationKey>& keys) {
  const auto token = ParseToken(compact);
  if (!token.ok()) return DetailOf(token.status()).reason;
  const auto genuine = CheckSignature(compact, *token, keys);
  return genuine.ok() ? "" : DetailOf(genuine).reason;
}

std::string WithHeader(const std::string& header) {
  const std::string head = Base64UrlEncode(header) + "." + Base64UrlEncode("{}");
  return head + "." + Base64UrlEncode(HmacSha256(kHmacSecret, head));
}

TEST(TokenTest, VerifiesThePublishedExamples) {
  EXPECT_EQ(Judge(kRfcHs256, {VerificationKey::FromSecret(*Base64UrlDecode(kRfcHs256Key))}), "");
  EXPECT_EQ(Judge(kRfcRs256, {Jwk(kRfcRs256Key)}), "");
  EXPECT_EQ(Judge(kRfcEs256, {Jwk(kRfcEs256Key)}), "");
  EXPECT_EQ(ParseToken(kRfcHs256)->payload, "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}");
}

TEST(TokenTest, UnsecuredTokensAreRefusedWhateverTheyCallTheirAlgorithm) {
  const std::vector<VerificationKey> keys{VerificationKey::FromSecret(kHmacSecret), Jwk(kRfcRs256Key), Jwk(kRfcEs256Key)};
  EXPECT_EQ(Judge(kRfcNone, keys), "token_algorithm");
  for (const char* name : {"none", "None", "NONE", "nOnE", "", "HS384", "HS512", "PS256", "RS512", "ES384", "hs256", "HS256 "}) {
    EXPECT_EQ(Judge(Base64UrlEncode(std::string(R"({"alg":")") + name + "\"}") + ".e30.", keys), "token_algorithm") << name;
  }
  EXPECT_EQ(Judge("e30.e30.", keys), "token_malformed");
  EXPECT_EQ(Judge(Base64UrlEncode(R"({"alg":null})") + ".e30.", keys), "token_malformed");
  EXPECT_EQ(Judge(Base64UrlEncode(R"({"alg":["HS256"]})") + ".e30.", keys), "token_malformed");
}

// The classic confusion: the public key, in any spelling, as the secret of an HMAC.
TEST(TokenTest, APublicKeyIsNoSecret) {
  for (const std::string& secret : {std::string(kRfcRs256Key), std::string(kRfcEs256Key)}) {
    EXPECT_EQ(Judge(SignHs256("{}", secret), {Jwk(kRfcRs256Key), Jwk(kRfcEs256Key)}), "token_algorithm");
  }
}

TEST(TokenTest, EachKeyHasOneAlgorithm) {
  const VerificationKey secret = VerificationKey::FromSecret(kHmacSecret), rsa = Jwk(kRfcRs256Key), ec = Jwk(kRfcEs256Key);
  EXPECT_EQ(Judge(kRfcRs256, {secret, ec}), "token_algorithm");
  EXPECT_EQ(Judge(kRfcEs256, {secret, rsa}), "token_algorithm");
  EXPECT_EQ(Judge(SignHs256("{}", kHmacSecret), {rsa, ec}), "token_algorithm");
  EXPECT_EQ(Judge(SignHs256("{}", kHmacSecret), {rsa, ec, secret}), "");
}

TEST(TokenTest, ExtensionsThatAreDemandedAreRefused) {
  EXPECT_EQ(Judge(kRfcCritical, {VerificationKey::FromSecret(kHmacSecret)}), "token_malformed");
  EXPECT_EQ(Judge(WithHeader(R"({"alg":"HS256","crit":["exp"],"exp":1})"), {VerificationKey::FromSecret(kHmacSecret)}), "token_malformed");
  EXPECT_EQ(Judge(WithHeader(R"({"alg":"HS256","crit":[]})"), {VerificationKey::FromSecret(kHmacSecret)}), "token_malformed");
  EXPECT_EQ(Judge(WithHeader(R"({"alg":"HS256"})"), {VerificationKey::FromSecret(kHmacSecret)}), "");
}

TEST(TokenTest, HeadersAreReadInOneWayOnly) {
  const std::vector<VerificationKey> keys{VerificationKey::FromSecret(kHmacSecret)};
  EXPECT_EQ(Judge(WithHeader(R"({"alg":"none","alg":"HS256"})"), keys), "token_malformed");
  EXPECT_EQ(Judge(WithHeader(R"({"alg":"HS256","\u0061lg":"HS256"})"), keys), "token_malformed");
  EXPECT_EQ(Judge(WithHeader(R"([{"alg":"HS256"}])"), keys), "token_malformed");
  EXPECT_EQ(Judge(WithHeader(R"({"alg":"HS256","kid":7})"), keys), "token_malformed");
  EXPECT_EQ(Judge(WithHeader(R"({"alg":"HS256","jwk":{"kty":"oct","k":"AA"},"jku":"http://evil.example/"})"), keys), "")
      << "keys a token brings mean nothing";
}

TEST(TokenTest, KeysAreChosenByTheirIds) {
  const SigningKey one = SigningKey::Ec("one"), two = SigningKey::Ec("two"), nameless = SigningKey::Ec("");
  const std::vector<VerificationKey> keys{one.verifier(), two.verifier()};
  EXPECT_EQ(Judge(one.Sign("{}"), keys), "");
  EXPECT_EQ(Judge(two.Sign("{}"), keys), "");
  EXPECT_EQ(Judge(two.Sign("{}", "one"), keys), "token_signature");
  EXPECT_EQ(Judge(two.Sign("{}", "three"), keys), "token_unknown_key");
  EXPECT_EQ(Judge(two.Sign("{}", ""), keys), "") << "a token need not name its key";
  EXPECT_EQ(Judge(nameless.Sign("{}", "whatever"), {nameless.verifier()}), "");
  EXPECT_EQ(Judge(one.Sign("{}", "one"), {}), "token_algorithm");
  std::vector<VerificationKey> many;
  for (int i = 0; i < 5; ++i) many.push_back(SigningKey::Ec(std::to_string(i)).verifier());
  EXPECT_EQ(Judge(one.Sign("{}", ""), many), "token_unknown_key") << "no more than some signatures are tried";
}

// Every single change of a genuine token, and every cut of one, is refused.
TEST(TokenTest, EveryDamageIsFound) {
  const SigningKey rsa = SigningKey::Rsa("r"), ec = SigningKey::Ec("e");
  const std::pair<std::string, VerificationKey> table[] = {
      {SignHs256(R"({"exp":1})", kHmacSecret), VerificationKey::FromSecret(kHmacSecret)},
      {ec.Sign(R"({"exp":1})"), ec.verifier()},
      {rsa.Sign(R"({"exp":1})"), rsa.verifier()},
  };
  for (const auto& [token, key] : table) {
    ASSERT_EQ(Judge(token, {key}), "");
    for (size_t i = 0; i < token.size(); ++i) {
      for (const char c : {'A', 'B', '-', '_', '9', '.', '=', '+', ' ', '\0', '\x80'}) {
        if (token[i] == c) continue;
        std::string changed = token;
        changed[i] = c;
        ASSERT_NE(Judge(changed, {key}), "") << "at " << i << " of " << token;
      }
      std::string flipped = token;
      flipped[i] = static_cast<char>(flipped[i] ^ 1);
      ASSERT_NE(Judge(flipped, {key}), "") << "at " << i;
      ASSERT_NE(Judge(token.substr(0, i), {key}), "") << "cut at " << i;
    }
    for (const char* tail : {".", "A", "=", ".A", " ", "\n"}) EXPECT_NE(Judge(token + tail, {key}), "");
    EXPECT_NE(Judge(std::string(1, ' ').append(token), {key}), "");
  }
}

TEST(TokenTest, OtherSpellingsOfASignatureAreRefused) {
  // The last character of 32 bytes in base64 carries two bits that mean nothing: only zeros are accepted.
  std::string token = SignHs256("{}", kHmacSecret);
  const std::vector<VerificationKey> keys{VerificationKey::FromSecret(kHmacSecret)};
  ASSERT_EQ(Judge(token, keys), "");
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  token.back() = alphabet[alphabet.find(token.back()) + 1];
  EXPECT_EQ(Judge(token, keys), "token_malformed");
}

TEST(TokenTest, OddTexts) {
  const std::vector<VerificationKey> keys{VerificationKey::FromSecret(kHmacSecret)};
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), std::string("..."), std::string("a.b"), std::string(kMaxTokenBytes + 1, 'a'),
        std::string(kMaxTokenBytes, '.'), std::string("e30.e30.e30.e30.e30"), Base64UrlEncode(std::string(3000, '[')) + ".e30.",
        Base64UrlEncode("{\"alg\":\"HS256\"") + ".e30.AA", Base64UrlEncode("{\"alg\":\"\xff\"}") + ".e30.AA"}) {
    EXPECT_EQ(Judge(text, keys), "token_malformed") << text.substr(0, 40);
  }
}

}  // namespace
}  // namespace vora::auth
