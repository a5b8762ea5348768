#include "services/metadata/webhooks/webhook_signature.h"

#include <optional>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/core/error.h"
#include "libs/core/ids.h"

namespace vora::metadata {
namespace {

constexpr std::string_view kPrefix = "whsec_";

std::optional<std::string> KeyOf(std::string_view secret) {
  if (!secret.starts_with(kPrefix)) return std::nullopt;
  auto key = Base64Decode(secret.substr(kPrefix.size()));
  // The sizes that Standard Webhooks allows.
  if (!key || key->size() < 24 || key->size() > 64) return std::nullopt;
  return key;
}

}  // namespace

std::string NewWebhookSecret() { return std::string(kPrefix) + Base64Encode(HexDecode(RandomHex(32)).value_or("")); }

Status CheckWebhookSecret(std::string_view secret) {
  if (KeyOf(secret)) return {};
  return InvalidField("secret", "must be whsec_ followed by 24 to 64 bytes in Base64; leave it out to be given one");
}

std::string SignWebhook(std::string_view secret, std::string_view id, int64_t unix_seconds, std::string_view body) {
  std::string text;
  text.reserve(id.size() + body.size() + 24);
  text.append(id).append(".").append(std::to_string(unix_seconds)).append(".").append(body);
  return "v1," + Base64Encode(HmacSha256(KeyOf(secret).value_or(""), text));
}

}  // namespace vora::metadata
