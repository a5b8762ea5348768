#pragma once

// Protobuf messages as the JSON of the REST API: snake_case names as in the proto, every primitive field present, absent
// messages left out, maps of strings as objects, int64 as numbers, enums without their prefix ("READY"), timestamps and durations as
// strings.

#include <initializer_list>
#include <string>
#include <string_view>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/message.h>
#include <nlohmann/json_fwd.hpp>

#include "libs/core/status.h"

namespace vora {

nlohmann::ordered_json ToJson(const google::protobuf::Message& message);
std::string ToJsonText(const google::protobuf::Message& message);
// Fills `message` from the body of a request, of which only the fields `allowed` may be given: strings, numbers, truth values, maps of
// strings, messages of these, and lists of messages. An empty body gives none. `given`: the names of those that were. INVALID_ARGUMENT
// names the field (`source.url`) and what is wrong.
Status FromBody(std::string_view body, std::initializer_list<std::string_view> allowed, google::protobuf::Message& message,
                google::protobuf::FieldMask* given = nullptr);
// The same of a body that was read already.
Status FromParsedBody(const nlohmann::json& body, std::initializer_list<std::string_view> allowed, google::protobuf::Message& message,
                      google::protobuf::FieldMask* given = nullptr);
// The same of a value that was read already, with every field of the message. `name`: what it is called in errors when it is no object.
Status FromJson(const nlohmann::json& value, std::string_view name, google::protobuf::Message& message);
// VIDEO_STATE_READY of an enum whose zero is VIDEO_STATE_UNSPECIFIED is READY.
std::string EnumText(const google::protobuf::EnumValueDescriptor& value);

}  // namespace vora
