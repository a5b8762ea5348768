#pragma once

// Protobuf messages as the JSON of the REST API: snake_case names as in the proto, every primitive field present, absent
// messages left out, int64 as numbers, enums without their prefix ("READY"), timestamps and durations as strings.

#include <string>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <nlohmann/json_fwd.hpp>

namespace vora::metadata {

nlohmann::ordered_json ToJson(const google::protobuf::Message& message);
std::string ToJsonText(const google::protobuf::Message& message);
// VIDEO_STATE_READY of an enum whose zero is VIDEO_STATE_UNSPECIFIED is READY.
std::string EnumText(const google::protobuf::EnumValueDescriptor& value);

}  // namespace vora::metadata
