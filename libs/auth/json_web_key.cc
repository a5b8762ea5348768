#include "libs/auth/json_web_key.h"

#include <cjose/cjose.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "libs/core/encoding.h"

namespace vora::auth {
namespace {

using nlohmann::json;
constexpr size_t kMinRsaBits = 2048;  // RFC 7518 section 3.3
constexpr size_t kMaxRsaBits = 8192;
constexpr size_t kP256Bits = 256;
constexpr size_t kMaxKeyIdBytes = 256;

std::shared_ptr<const void> Own(cjose_jwk_t* key) {
  return {key, [](const void* owned) { cjose_jwk_release(const_cast<cjose_jwk_t*>(static_cast<const cjose_jwk_t*>(owned))); }};
}

std::string Text(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// RFC 7517 sections 4.2 and 4.3.
Status CheckUse(const json& jwk) {
  if (jwk.contains("use") && Text(jwk, "use") != "sig") return InvalidArgument("is not for signatures (`use`)");
  if (const auto ops = jwk.find("key_ops"); ops != jwk.end()) {
    const bool verifies = ops->is_array() && std::find(ops->begin(), ops->end(), json("verify")) != ops->end();
    if (!verifies) return InvalidArgument("is not for verifying (`key_ops`)");
  }
  if (jwk.contains("d")) return InvalidArgument("is a private key, which must not be given away");
  return absl::OkStatus();
}

StatusOr<Algorithm> AlgorithmOf(const json& jwk) {
  const std::string type = Text(jwk, "kty");
  Algorithm algorithm;
  if (type == "RSA") {
    algorithm = Algorithm::kRs256;
  } else if (type == "EC" && Text(jwk, "crv") == "P-256") {
    algorithm = Algorithm::kEs256;
  } else {
    return InvalidArgument("is neither an RSA key nor one on P-256");
  }
  if (jwk.contains("alg") && Text(jwk, "alg") != AlgorithmName(algorithm)) {
    return InvalidArgument("is for another algorithm than " + std::string(AlgorithmName(algorithm)));
  }
  return algorithm;
}

// cjose asserts what base64url decodes to, and ends the process where padding stands in the middle (RFC 7518 section 2 has none at all).
Status CheckNumbers(const json& jwk) {
  for (const char* name : {"n", "e", "x", "y"}) {
    if (!jwk.contains(name)) continue;
    const std::string text = Text(jwk, name);
    if (text.empty() || !Base64UrlDecode(text)) return InvalidArgument(std::string("has no base64url in `") + name + "`");
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view AlgorithmName(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kHs256:
      return "HS256";
    case Algorithm::kRs256:
      return "RS256";
    case Algorithm::kEs256:
      return "ES256";
  }
  return "";
}

VerificationKey::VerificationKey(Algorithm algorithm, std::string id, std::shared_ptr<const void> key)
    : algorithm_(algorithm), id_(std::move(id)), key_(std::move(key)) {}

VerificationKey VerificationKey::FromSecret(std::string_view secret) {
  cjose_jwk_t* key = cjose_jwk_create_oct_spec(reinterpret_cast<const uint8_t*>(secret.data()), secret.size(), nullptr);
  if (key == nullptr) std::abort();  // only out of memory
  return {Algorithm::kHs256, "", Own(key)};
}

StatusOr<VerificationKey> VerificationKey::FromJwk(const std::string& text) {
  const json jwk = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!jwk.is_object()) return InvalidArgument("is not a JSON object");
  VORA_ASSIGN_OR_RETURN(const Algorithm algorithm, AlgorithmOf(jwk));
  VORA_RETURN_IF_ERROR(CheckUse(jwk));
  VORA_RETURN_IF_ERROR(CheckNumbers(jwk));
  if (jwk.contains("kid") && !jwk["kid"].is_string()) return InvalidArgument("has an id (`kid`) that is no text");
  std::string id = Text(jwk, "kid");
  if (id.size() > kMaxKeyIdBytes) return InvalidArgument("has an id (`kid`) of more than 256 bytes");
  cjose_err error{};
  const std::string plain = jwk.dump();  // with each name once: what was checked is what is imported
  cjose_jwk_t* imported = cjose_jwk_import(plain.data(), plain.size(), &error);
  if (imported == nullptr) return InvalidArgument("cannot be read: its numbers are missing or wrong");
  auto key = Own(imported);
  const size_t bits = cjose_jwk_get_keysize(imported, nullptr);
  if (algorithm == Algorithm::kRs256 && (bits < kMinRsaBits || bits > kMaxRsaBits)) {
    return InvalidArgument("has " + std::to_string(bits) + " bits; 2048 to 8192 are allowed");
  }
  if (algorithm == Algorithm::kEs256 && bits != kP256Bits) return InvalidArgument("is not on P-256");
  return VerificationKey(algorithm, std::move(id), std::move(key));
}

bool VerificationKey::Verifies(std::string_view compact) const {
  cjose_jws_t* jws = cjose_jws_import(compact.data(), compact.size(), nullptr);
  if (jws == nullptr) return false;
  // The library goes by the header's algorithm: it must read the same there as we do.
  const char* named = cjose_header_get(cjose_jws_get_protected(jws), CJOSE_HDR_ALG, nullptr);
  const bool verified =
      named != nullptr && named == AlgorithmName(algorithm_) && cjose_jws_verify(jws, static_cast<const cjose_jwk_t*>(key_.get()), nullptr);
  cjose_jws_release(jws);
  return verified;
}

StatusOr<KeySet> ParseKeySet(std::string_view text) {
  if (text.size() > kMaxKeySetBytes) return InvalidArgument("the key set is longer than " + std::to_string(kMaxKeySetBytes) + " bytes");
  const json set = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!set.is_object() || !set.contains("keys") || !set["keys"].is_array()) {
    return InvalidArgument("the key set is not a JSON object with an array `keys`");
  }
  if (set["keys"].size() > kMaxKeys) return InvalidArgument("the key set has more than " + std::to_string(kMaxKeys) + " keys");
  KeySet result;
  for (size_t i = 0; i < set["keys"].size(); ++i) {
    const json& member = set["keys"][i];
    auto key = VerificationKey::FromJwk(member.dump(-1, ' ', true, json::error_handler_t::replace));
    if (key.ok()) {
      result.keys.push_back(*std::move(key));
    } else {
      const std::string id = member.is_object() ? Text(member, "kid").substr(0, kMaxKeyIdBytes) : "";
      result.skipped.push_back("key " + std::to_string(i + 1) + (id.empty() ? "" : " (kid " + id + ")") + " " + Message(key.status()));
    }
  }
  if (!result.keys.empty()) return result;
  return InvalidArgument("the key set has no key that can verify RS256 or ES256" +
                         (result.skipped.empty() ? "" : ": " + result.skipped.front()));
}

}  // namespace vora::auth
