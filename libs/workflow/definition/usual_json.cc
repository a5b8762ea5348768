#include <simdjson.h>

#include <charconv>
#include <limits>
#include <string>

#include "libs/workflow/definition/usual_json_internal.h"

namespace vora::workflow {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using simdjson::dom::element;

constexpr int kMaxDepth = 20;  // protobuf's parser has a limit of its own, far above
// A parser keeps about ten times the room of its largest text: not for ever, one for each thread.
constexpr size_t kMaxKept = size_t{64} << 10;

bool ReadObject(const element& json, Message& message, int depth);

// As protobuf writes 64-bit integers: `"12"`. Also as a number.
template <class Int>
bool ReadInt64(const element& json, Int& value) {
  if (json.get(value) == simdjson::SUCCESS) return true;
  std::string_view text;
  if (json.get(text) != simdjson::SUCCESS || text.empty()) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::to_string(value) == text;
}

template <class Int>
bool ReadInt32(const element& json, Int& value) {
  int64_t wide = 0;
  if (json.get(wide) != simdjson::SUCCESS) return false;
  if (wide < std::numeric_limits<Int>::min() || wide > std::numeric_limits<Int>::max()) return false;
  value = static_cast<Int>(wide);
  return true;
}

// Sets a field, or adds to it when it is a list.
bool ReadValue(const element& json, Message& message, const FieldDescriptor& field, int depth) {
  const Reflection& reflection = *message.GetReflection();
  const bool list = field.is_repeated();
  const auto put = [&](auto set, auto add, auto value) {
    list ? (reflection.*add)(&message, &field, value) : (reflection.*set)(&message, &field, value);
    return true;
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t value = 0;
      return ReadInt32(json, value) && put(&Reflection::SetInt32, &Reflection::AddInt32, value);
    }
    case FieldDescriptor::CPPTYPE_UINT32: {
      uint32_t value = 0;
      return ReadInt32(json, value) && put(&Reflection::SetUInt32, &Reflection::AddUInt32, value);
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      int64_t value = 0;
      return ReadInt64(json, value) && put(&Reflection::SetInt64, &Reflection::AddInt64, value);
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      uint64_t value = 0;
      return ReadInt64(json, value) && put(&Reflection::SetUInt64, &Reflection::AddUInt64, value);
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double value = 0;
      return json.is_number() && json.get(value) == simdjson::SUCCESS && put(&Reflection::SetDouble, &Reflection::AddDouble, value);
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool value = false;
      return json.get(value) == simdjson::SUCCESS && put(&Reflection::SetBool, &Reflection::AddBool, value);
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string_view value;
      if (field.type() != FieldDescriptor::TYPE_STRING || json.get(value) != simdjson::SUCCESS) return false;
      list ? reflection.AddString(&message, &field, std::string(value)) : reflection.SetString(&message, &field, std::string(value));
      return true;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ReadObject(json, list ? *reflection.AddMessage(&message, &field) : *reflection.MutableMessage(&message, &field), depth + 1);
    default:
      return false;
  }
}

bool ReadField(const element& json, Message& message, const FieldDescriptor& field, int depth) {
  const Reflection& reflection = *message.GetReflection();
  if (!field.is_repeated()) {
    // One named twice: which counts is protobuf's to say.
    if (field.has_presence() && reflection.HasField(message, &field)) return false;
    return ReadValue(json, message, field, depth);
  }
  simdjson::dom::array values;
  if (reflection.FieldSize(message, &field) > 0 || json.get(values) != simdjson::SUCCESS) return false;
  for (const element value : values) {
    if (!ReadValue(value, message, field, depth)) return false;
  }
  return true;
}

bool ReadObject(const element& json, Message& message, int depth) {
  simdjson::dom::object object;
  const auto& descriptor = *message.GetDescriptor();
  // Messages of protobuf's own (Timestamp, Struct, ...) have forms of their own.
  if (depth > kMaxDepth || descriptor.file()->package() == "google.protobuf" || json.get(object) != simdjson::SUCCESS) return false;
  for (const auto& [key, value] : object) {
    const FieldDescriptor* field = descriptor.FindFieldByCamelcaseName(std::string(key));
    if (!field || field->json_name() != key || field->is_map() || field->containing_oneof()) return false;
    if (!ReadField(value, message, *field, depth)) return false;
  }
  return true;
}

}  // namespace

bool ReadUsualJson(std::string_view json, Message& message) {
  thread_local simdjson::dom::parser kept;
  simdjson::dom::parser once;
  auto& parser = json.size() > kMaxKept ? once : kept;
  const auto root = parser.parse(json.data(), json.size());
  return root.error() == simdjson::SUCCESS && ReadObject(root.value_unsafe(), message, 0);
}

}  // namespace vora::workflow
