#include "libs/auth/token.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"

namespace vora::auth {
namespace {

using nlohmann::json;
constexpr size_t kMaxKeysTried = 4;
constexpr size_t kHmacBytes = 32;
constexpr size_t kP256SignatureBytes = 64;  // RFC 7518 section 3.4: R and S, 32 bytes each

Status Malformed(std::string_view what) { return MakeError(errors::kTokenMalformed, "the token is malformed: " + std::string(what)); }

// base64url in its one canonical spelling.
std::optional<std::string> Decode(std::string_view text) {
  auto bytes = Base64UrlDecode(text);
  if (!bytes || Base64UrlEncode(*bytes) != text) return std::nullopt;
  return bytes;
}

// A JSON object without names that come twice (RFC 7515 section 4): parsers differ about which of them counts.
std::optional<json> ParseHeader(const std::string& text) {
  std::set<std::string> names;
  bool twice = false;
  const json::parser_callback_t watch = [&](int depth, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::key && depth == 1) twice |= !names.insert(parsed.get<std::string>()).second;
    return true;
  };
  json header = json::parse(text, watch, /*allow_exceptions=*/false);
  if (twice || !header.is_object()) return std::nullopt;
  return header;
}

bool SizeFits(Algorithm algorithm, size_t signature_bytes) {
  if (algorithm == Algorithm::kHs256) return signature_bytes == kHmacBytes;
  if (algorithm == Algorithm::kEs256) return signature_bytes == kP256SignatureBytes;
  return signature_bytes > 0;
}

}  // namespace

StatusOr<Token> ParseToken(std::string_view compact) {
  if (compact.size() > kMaxTokenBytes) return Malformed("it is longer than 8192 bytes");
  const size_t first = compact.find('.');
  const size_t second = first == std::string_view::npos ? first : compact.find('.', first + 1);
  if (second == std::string_view::npos || compact.find('.', second + 1) != std::string_view::npos) {
    return Malformed("it must have three parts");
  }
  const auto header_text = Decode(compact.substr(0, first));
  auto payload = Decode(compact.substr(first + 1, second - first - 1));
  const auto signature = Decode(compact.substr(second + 1));
  if (!header_text || !payload || !signature) return Malformed("its parts must be base64url");
  const auto header = ParseHeader(*header_text);
  if (!header) return Malformed("its header must be a JSON object with each name once");
  const auto algorithm = header->find("alg");
  if (algorithm == header->end() || !algorithm->is_string()) return Malformed("its header has no `alg`");
  if (header->contains("crit")) return Malformed("its header demands an extension (`crit`) that is not known here");
  Token token;
  token.algorithm = algorithm->get<std::string>();
  if (const auto id = header->find("kid"); id != header->end()) {
    if (!id->is_string()) return Malformed("its key id (`kid`) must be text");
    token.key_id = id->get<std::string>();
  }
  token.payload = *std::move(payload);
  token.signature_bytes = signature->size();
  return token;
}

Status CheckSignature(std::string_view compact, const Token& token, const std::vector<VerificationKey>& keys) {
  bool named = false, algorithm_known = false;
  std::vector<const VerificationKey*> fitting;
  for (const VerificationKey& key : keys) {
    const bool algorithm_fits = token.algorithm == AlgorithmName(key.algorithm());
    algorithm_known |= algorithm_fits;
    named |= !key.id().empty() && key.id() == token.key_id;
    if (algorithm_fits && (key.id().empty() || token.key_id.empty() || key.id() == token.key_id)) fitting.push_back(&key);
  }
  if (fitting.empty() && (named || !algorithm_known))
    return MakeError(errors::kTokenAlgorithm, "the token's algorithm is not that of the key");
  if (fitting.empty()) return MakeError(errors::kTokenUnknownKey, "the token is signed with a key that is not known here");
  // Public-key arithmetic is dear, and whoever sends the token decides how many keys it fits.
  if (fitting.size() > kMaxKeysTried) return MakeError(errors::kTokenUnknownKey, "the token must name its key (`kid`): there are many");
  for (const VerificationKey* key : fitting) {
    if (SizeFits(key->algorithm(), token.signature_bytes) && key->Verifies(compact)) return {};
  }
  return MakeError(errors::kTokenSignature, "the token's signature is wrong");
}

std::string SignHs256(std::string_view claims, std::string_view secret, std::string_view key_id) {
  nlohmann::ordered_json header = {{"alg", "HS256"}, {"typ", "JWT"}};
  if (!key_id.empty()) header["kid"] = key_id;
  std::string token = Base64UrlEncode(header.dump()) + "." + Base64UrlEncode(claims);
  token += "." + Base64UrlEncode(HmacSha256(secret, token));
  return token;
}

}  // namespace vora::auth
