#include "libs/auth/testing/test_keys.h"

#include <cjose/cjose.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace vora::auth {
namespace {

void Require(bool held, const char* what) {
  if (held) return;
  std::fprintf(stderr, "test_keys: %s failed\n", what);
  std::abort();
}

std::string Export(void* key, bool with_private) {
  char* json = cjose_jwk_to_json(static_cast<cjose_jwk_t*>(key), with_private, nullptr);
  Require(json != nullptr, "export");
  std::string text(json);
  cjose_get_dealloc()(json);
  return text;
}

}  // namespace

SigningKey::SigningKey(void* key, std::string algorithm, std::string id)
    : key_(key, [](void* owned) { cjose_jwk_release(static_cast<cjose_jwk_t*>(owned)); }),
      algorithm_(std::move(algorithm)),
      id_(std::move(id)) {
  Require(key != nullptr, "making a key");
  if (!id_.empty()) cjose_jwk_set_kid(static_cast<cjose_jwk_t*>(key), id_.data(), id_.size(), nullptr);
}

SigningKey SigningKey::Rsa(const std::string& id, size_t bits) {
  const uint8_t exponent[] = {1, 0, 1};
  return {cjose_jwk_create_RSA_random(bits, exponent, sizeof exponent, nullptr), "RS256", id};
}

SigningKey SigningKey::Ec(const std::string& id) { return {cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, nullptr), "ES256", id}; }

std::string SigningKey::Sign(const std::string& claims, std::optional<std::string> header_id) const {
  cjose_header_t* header = cjose_header_new(nullptr);
  cjose_header_set(header, CJOSE_HDR_ALG, algorithm_.c_str(), nullptr);
  const std::string id = header_id.value_or(id_);
  if (!id.empty()) cjose_header_set(header, CJOSE_HDR_KID, id.c_str(), nullptr);
  cjose_jws_t* jws = cjose_jws_sign(static_cast<cjose_jwk_t*>(key_.get()), header, reinterpret_cast<const uint8_t*>(claims.data()),
                                    claims.size(), nullptr);
  Require(jws != nullptr, "signing");
  const char* compact = nullptr;
  Require(cjose_jws_export(jws, &compact, nullptr), "export of a token");
  std::string token(compact);
  cjose_jws_release(jws);
  cjose_header_release(header);
  return token;
}

std::string SigningKey::PublicJwk() const { return Export(key_.get(), false); }
std::string SigningKey::PrivateJwk() const { return Export(key_.get(), true); }
VerificationKey SigningKey::verifier() const { return *VerificationKey::FromJwk(PublicJwk()); }

std::string JwkSet(std::initializer_list<SigningKey> keys) {
  std::string set;
  for (const SigningKey& key : keys) set += (set.empty() ? "" : ",") + key.PublicJwk();
  return "{\"keys\":[" + set + "]}";
}

}  // namespace vora::auth
