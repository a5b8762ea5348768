#pragma once

// Workflow payloads: the proto3 JSON mapping (lowerCamelCase), as process_video.proto says. Unknown fields are ignored, so
// that a newer workflow can talk to an older replica.

#include <string>
#include <string_view>

#include <google/protobuf/message.h>

#include "libs/core/status.h"

namespace vora::metadata {

std::string ToPayload(const google::protobuf::Message& message);
// INVALID_ARGUMENT: not JSON of this message.
Status FromPayload(std::string_view json, google::protobuf::Message* message);

}  // namespace vora::metadata
