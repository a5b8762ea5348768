#pragma once

// Who is told what becomes of a video. Metadata keeps it with the video, as a text. Pure.

#include <optional>
#include <string>
#include <string_view>

namespace vora::amqp {

struct Recipient {
  std::string correlation_id;
  std::string reply_to;  // a queue, beside the reply exchange; empty: none
  bool operator==(const Recipient&) const = default;
};

// 12 hexadecimal digits.
std::string DigestOf(const Recipient& recipient);
// UTF-8, for metadata, and back; nullopt: it is no such text.
std::string TextOf(const Recipient& recipient);
std::optional<Recipient> RecipientOf(std::string_view text);

}  // namespace vora::amqp
