#pragma once

// Payloads are JSON texts of protobuf messages (proto3 JSON mapping), limited to kMaxPayloadBytes.

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace vora::workflow {

// INVALID_ARGUMENT naming `field` and the limit when `payload` is too large or holds a NUL byte.
Status CheckPayload(std::string_view field, std::string_view payload);

// The same message always gives the same text.
std::string ToPayload(const google::protobuf::Message& message);
// What that text has at most, without making it. Not for messages that hold an Any.
size_t PayloadBound(const google::protobuf::Message& message);
// Unknown fields are ignored, so that older code reads newer payloads. INVALID_ARGUMENT when it is not such a message.
Status FromPayload(std::string_view payload, google::protobuf::Message& message);

}  // namespace vora::workflow
