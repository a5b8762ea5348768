#include "services/amqp-bridge/recipient.h"

#include "libs/core/digest.h"
#include "libs/core/encoding.h"

namespace vora::amqp {
namespace {

constexpr size_t kDigestBytes = 6;
constexpr std::string_view kReplyTo = "/reply_to";

std::string KeyOf(const Recipient& recipient, std::string_view prefix) { return std::string(prefix) + "/" + DigestOf(recipient); }

}  // namespace

std::string DigestOf(const Recipient& recipient) {
  return HexEncode(Sha256(recipient.correlation_id + '\0' + recipient.reply_to).substr(0, kDigestBytes));
}

Labels LabelsOf(const Recipient& recipient, std::string_view prefix) {
  const std::string key = KeyOf(recipient, prefix);
  Labels labels = {{key, recipient.correlation_id}};
  if (!recipient.reply_to.empty()) labels[key + std::string(kReplyTo)] = recipient.reply_to;
  return labels;
}

std::vector<Recipient> RecipientsIn(const Labels& labels, std::string_view prefix) {
  std::vector<Recipient> recipients;
  for (const auto& [key, value] : labels) {
    if (!IsReserved(key, prefix) || key.ends_with(kReplyTo)) continue;
    const auto reply_to = labels.find(key + std::string(kReplyTo));
    Recipient recipient{value, reply_to == labels.end() ? "" : reply_to->second};
    // What people have changed by hand is nobody's.
    if (KeyOf(recipient, prefix) == key) recipients.push_back(std::move(recipient));
  }
  return recipients;
}

Labels WithoutRecipients(const Labels& labels, std::string_view prefix) {
  Labels others;
  for (const auto& [key, value] : labels) {
    if (!IsReserved(key, prefix)) others[key] = value;
  }
  return others;
}

bool IsReserved(std::string_view label, std::string_view prefix) {
  return label.starts_with(prefix) && label.substr(prefix.size()).starts_with('/');
}

}  // namespace vora::amqp
