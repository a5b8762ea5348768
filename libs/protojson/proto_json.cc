#include "libs/protojson/proto_json.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <nlohmann/json.hpp>

#include "libs/core/clock.h"
#include "libs/core/error.h"
#include "libs/core/text.h"

namespace vora {
namespace {

using OrderedJson = nlohmann::ordered_json;
using google::protobuf::FieldDescriptor;
using ProtoMessage = google::protobuf::Message;
using google::protobuf::Reflection;

OrderedJson TimestampText(const ProtoMessage& message) {
  const auto* timestamp = google::protobuf::DynamicCastToGenerated<google::protobuf::Timestamp>(&message);
  if (timestamp == nullptr) return nullptr;
  const auto since_epoch = std::chrono::seconds(timestamp->seconds()) + std::chrono::nanoseconds(timestamp->nanos());
  return FormatRfc3339(SystemTime(std::chrono::duration_cast<SystemTime::duration>(since_epoch)));
}

OrderedJson MessageValue(const ProtoMessage& message) {
  if (message.GetDescriptor() == google::protobuf::Timestamp::descriptor()) return TimestampText(message);
  return ToJson(message);
}

OrderedJson Single(const ProtoMessage& message, const Reflection& reflection, const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.GetInt32(message, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.GetInt64(message, &field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.GetUInt32(message, &field);
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection.GetUInt64(message, &field);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection.GetDouble(message, &field);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return reflection.GetFloat(message, &field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumText(*reflection.GetEnum(message, &field));
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return MessageValue(reflection.GetMessage(message, &field));
  }
  return nullptr;
}

OrderedJson Element(const ProtoMessage& message, const Reflection& reflection, const FieldDescriptor& field, int index) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.GetRepeatedInt32(message, &field, index);
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.GetRepeatedInt64(message, &field, index);
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.GetRepeatedUInt32(message, &field, index);
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection.GetRepeatedUInt64(message, &field, index);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection.GetRepeatedDouble(message, &field, index);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return reflection.GetRepeatedFloat(message, &field, index);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetRepeatedBool(message, &field, index);
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumText(*reflection.GetRepeatedEnum(message, &field, index));
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetRepeatedString(message, &field, index);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return MessageValue(reflection.GetRepeatedMessage(message, &field, index));
  }
  return nullptr;
}

OrderedJson MapValue(const ProtoMessage& message, const Reflection& reflection, const FieldDescriptor& field) {
  // Reflection gives the entries in no order; readers, and caches, are better off with one.
  std::map<std::string, std::string> entries;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const ProtoMessage& entry = reflection.GetRepeatedMessage(message, &field, i);
    const auto text = [&](const FieldDescriptor* part) { return entry.GetReflection()->GetString(entry, part); };
    entries[text(field.message_type()->map_key())] = text(field.message_type()->map_value());
  }
  return entries.empty() ? OrderedJson::object() : OrderedJson(entries);
}

Status NotA(const std::string& name, const char* type, const nlohmann::json& value) {
  return InvalidField(name, std::string("must be ") + type + ", got " + value.type_name());
}

Status FillMap(ProtoMessage& message, const FieldDescriptor& field, const std::string& name, const nlohmann::json& value) {
  if (!value.is_object()) return NotA(name, "an object of strings", value);
  const auto& entry_type = *field.message_type();
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) return NotA(name + "." + Sanitise(key, 100), "a string", text);
    ProtoMessage& entry = *message.GetReflection()->AddMessage(&message, &field);
    entry.GetReflection()->SetString(&entry, entry_type.map_key(), key);
    entry.GetReflection()->SetString(&entry, entry_type.map_value(), text.get<std::string>());
  }
  return absl::OkStatus();
}

std::vector<std::string_view> FieldsOf(const ProtoMessage& message) {
  std::vector<std::string_view> names;
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) names.emplace_back(message.GetDescriptor()->field(i)->name());
  return names;
}

Status FillObject(ProtoMessage& message, const std::vector<std::string_view>& allowed, const std::string& prefix,
                  const nlohmann::json& object);

Status FillMessage(ProtoMessage& message, const std::string& name, const nlohmann::json& value) {
  if (!value.is_object()) return NotA(name, "an object", value);
  return FillObject(message, FieldsOf(message), name + ".", value);
}

Status FillList(ProtoMessage& message, const FieldDescriptor& field, const std::string& name, const nlohmann::json& value) {
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return InvalidField(name, "cannot be given");
  if (!value.is_array()) return NotA(name, "a list of objects", value);
  for (const auto& element : value) {
    const std::string of_element = name + "[" + std::to_string(message.GetReflection()->FieldSize(message, &field)) + "]";
    VORA_RETURN_IF_ERROR(FillMessage(*message.GetReflection()->AddMessage(&message, &field), of_element, element));
  }
  return absl::OkStatus();
}

Status Fill(ProtoMessage& message, const FieldDescriptor& field, const std::string& name, const nlohmann::json& value) {
  const Reflection& reflection = *message.GetReflection();
  if (field.is_map()) return FillMap(message, field, name, value);
  if (field.is_repeated()) return FillList(message, field, name, value);
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (!value.is_string()) return NotA(name, "a string", value);
      reflection.SetString(&message, &field, value.get<std::string>());
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_BOOL:
      if (!value.is_boolean()) return NotA(name, "true or false", value);
      reflection.SetBool(&message, &field, value.get<bool>());
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_DOUBLE:
      if (!value.is_number()) return NotA(name, "a number", value);
      reflection.SetDouble(&message, &field, value.get<double>());
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
      break;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return FillMessage(*reflection.MutableMessage(&message, &field), name, value);
    default:
      return InvalidField(name, "cannot be given");
  }
  if (!value.is_number_integer()) return NotA(name, "a whole number", value);
  // What is too large is told by whoever knows the limit.
  const auto number =
      value.is_number_unsigned() ? static_cast<int64_t>(std::min<uint64_t>(value.get<uint64_t>(), INT64_MAX)) : value.get<int64_t>();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
    reflection.SetInt64(&message, &field, number);
  } else {
    reflection.SetInt32(&message, &field, static_cast<int32_t>(std::clamp<int64_t>(number, INT32_MIN, INT32_MAX)));
  }
  return absl::OkStatus();
}

Status FillObject(ProtoMessage& message, const std::vector<std::string_view>& allowed, const std::string& prefix,
                  const nlohmann::json& object) {
  for (const auto& [key, value] : object.items()) {
    const bool known = std::find(allowed.begin(), allowed.end(), key) != allowed.end();
    const FieldDescriptor* field = known ? message.GetDescriptor()->FindFieldByName(key) : nullptr;
    if (field == nullptr) {
      std::string names;
      for (std::string_view name : allowed) names += (names.empty() ? "" : ", ") + std::string(name);
      return InvalidField(prefix + Sanitise(key, 100), "unknown field; known are " + names);
    }
    VORA_RETURN_IF_ERROR(Fill(message, *field, prefix + key, value));
  }
  return absl::OkStatus();
}

}  // namespace

Status FromBody(std::string_view body, std::initializer_list<std::string_view> allowed, ProtoMessage& message,
                google::protobuf::FieldMask* given) {
  if (body.empty()) return absl::OkStatus();
  return FromParsedBody(nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false), allowed, message, given);
}

Status FromParsedBody(const nlohmann::json& json, std::initializer_list<std::string_view> allowed, ProtoMessage& message,
                      google::protobuf::FieldMask* given) {
  if (json.is_discarded()) return InvalidField("body", "not valid JSON");
  if (!json.is_object()) return InvalidField("body", "must be a JSON object");
  VORA_RETURN_IF_ERROR(FillObject(message, allowed, "", json));
  for (const auto& [key, value] : json.items()) {
    if (given != nullptr) given->add_paths(key);
  }
  return absl::OkStatus();
}

Status FromJson(const nlohmann::json& value, std::string_view name, ProtoMessage& message) {
  if (!value.is_object()) return InvalidField(name, "must be a JSON object");
  return FillObject(message, FieldsOf(message), "", value);
}

std::string EnumText(const google::protobuf::EnumValueDescriptor& value) {
  constexpr std::string_view kZero = "UNSPECIFIED";
  const std::string& zero = value.type()->value(0)->name();
  std::string name = value.name();
  if (zero.size() > kZero.size() && zero.compare(zero.size() - kZero.size(), kZero.size(), kZero) == 0) {
    const std::string prefix = zero.substr(0, zero.size() - kZero.size());
    if (name.rfind(prefix, 0) == 0) name.erase(0, prefix.size());
  }
  return name;
}

nlohmann::ordered_json ToJson(const ProtoMessage& message) {
  OrderedJson json = OrderedJson::object();
  const auto& descriptor = *message.GetDescriptor();
  const Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    if (field.is_map()) {
      json[field.name()] = MapValue(message, reflection, field);
    } else if (field.is_repeated()) {
      OrderedJson array = OrderedJson::array();
      for (int n = 0; n < reflection.FieldSize(message, &field); ++n) array.push_back(Element(message, reflection, field, n));
      json[field.name()] = std::move(array);
    } else if (!field.has_presence() || reflection.HasField(message, &field)) {
      json[field.name()] = Single(message, reflection, field);
    }
  }
  return json;
}

std::string ToJsonText(const ProtoMessage& message) {
  // Else a text that is no UTF-8 would throw.
  return ToJson(message).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace vora
