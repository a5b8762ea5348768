#include "services/amqp-bridge/recipient.h"

#include <nlohmann/json.hpp>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"

namespace vora::amqp {
namespace {

constexpr size_t kDigestBytes = 6;

}  // namespace

std::string DigestOf(const Recipient& recipient) {
  return HexEncode(Sha256(recipient.correlation_id + '\0' + recipient.reply_to).substr(0, kDigestBytes));
}

std::string TextOf(const Recipient& recipient) {
  return nlohmann::json{{"correlation_id", recipient.correlation_id}, {"reply_to", recipient.reply_to}}.dump();
}

std::optional<Recipient> RecipientOf(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto is_text = [&](const char* name) { return json.is_object() && json.contains(name) && json[name].is_string(); };
  if (!is_text("correlation_id") || !is_text("reply_to")) return std::nullopt;
  return Recipient{json["correlation_id"], json["reply_to"]};
}

}  // namespace vora::amqp
