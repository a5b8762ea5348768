#pragma once

// Who is told what becomes of a video. It is kept in labels of the video itself, so that the bridge remembers nothing: two for each task
// that asked for the video, named by a digest of it. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "libs/core/labels.h"

namespace vora::amqp {

struct Recipient {
  std::string correlation_id;
  std::string reply_to;  // a queue, beside the reply exchange; empty: none
  bool operator==(const Recipient&) const = default;
};

// 12 hexadecimal digits.
std::string DigestOf(const Recipient& recipient);
// `prefix/DIGEST`: the correlation id, and `prefix/DIGEST/reply_to`.
Labels LabelsOf(const Recipient& recipient, std::string_view prefix);
std::vector<Recipient> RecipientsIn(const Labels& labels, std::string_view prefix);
// What others have written.
Labels WithoutRecipients(const Labels& labels, std::string_view prefix);
bool IsReserved(std::string_view label, std::string_view prefix);

}  // namespace vora::amqp
