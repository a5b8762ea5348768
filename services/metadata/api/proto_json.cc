#include "services/metadata/api/proto_json.h"

#include <chrono>
#include <string_view>

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <nlohmann/json.hpp>

#include "libs/core/clock.h"

namespace vora::metadata {
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

}  // namespace

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
    if (field.is_repeated()) {
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

}  // namespace vora::metadata
