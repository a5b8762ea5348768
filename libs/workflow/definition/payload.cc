#include "libs/workflow/definition/payload.h"

#include <google/protobuf/util/json_util.h>

#include <string>
#include <vector>

#include "libs/core/error.h"
#include "libs/core/text.h"
#include "libs/workflow/definition/history.h"
#include "libs/workflow/definition/usual_json_internal.h"

namespace vora::workflow {
namespace {

using google::protobuf::FieldDescriptor;

constexpr size_t kMaxGrowth = 64;    // of a byte of the wire format: names of fields and values are shorter
constexpr size_t kMaxOwnForm = 64;   // Timestamp, Duration
constexpr size_t kMaxEnumName = 64;  // with quotes
constexpr size_t kMaxReal = 32;

size_t MessageBound(const google::protobuf::Message& message);

size_t ValueBound(const google::protobuf::Message& message, const FieldDescriptor* field, int index) {
  const auto& reflection = *message.GetReflection();
  const bool list = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT64:
      return 2 + std::to_string(list ? reflection.GetRepeatedInt64(message, field, index) : reflection.GetInt64(message, field)).size();
    case FieldDescriptor::CPPTYPE_INT32:
      return std::to_string(list ? reflection.GetRepeatedInt32(message, field, index) : reflection.GetInt32(message, field)).size();
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      const std::string& text = list ? reflection.GetRepeatedStringReference(message, field, index, &scratch)
                                     : reflection.GetStringReference(message, field, &scratch);
      return 2 + 6 * text.size();  // \u001f
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return MessageBound(list ? reflection.GetRepeatedMessage(message, field, index) : reflection.GetMessage(message, field));
    case FieldDescriptor::CPPTYPE_ENUM:
      return kMaxEnumName;
    default:
      return kMaxReal;
  }
}

size_t MessageBound(const google::protobuf::Message& message) {
  const auto& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  size_t bound = message.GetDescriptor()->file()->package() == "google.protobuf" ? kMaxOwnForm : 2;
  for (const FieldDescriptor* field : fields) {
    bound += field->json_name().size() + 6;  // "":[],
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) bound += 1 + ValueBound(message, field, i);
  }
  return bound;
}

}  // namespace

size_t PayloadBound(const google::protobuf::Message& message) {
  // Most are small, and need not be walked through.
  const size_t rough = 2 + kMaxGrowth * message.ByteSizeLong();
  return rough <= kMaxPayloadBytes ? rough : MessageBound(message);
}

Status CheckPayload(std::string_view field, std::string_view payload) {
  if (payload.size() > kMaxPayloadBytes) {
    return InvalidField(field, std::to_string(payload.size()) + " bytes are more than the limit of " + std::to_string(kMaxPayloadBytes));
  }
  // PostgreSQL's `text` cannot hold it; found there it would be an error of the whole transition.
  if (payload.find('\0') != std::string_view::npos) return InvalidField(field, "must not contain NUL bytes");
  // Texts of a protobuf message are UTF-8: with another it would be refused as a whole.
  if (!IsValidUtf8(payload)) return InvalidField(field, "must be UTF-8");
  return {};
}

std::string ToPayload(const google::protobuf::Message& message) {
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json);
  if (!status.ok()) std::abort();  // only messages with bad Any or bad UTF-8, which our own code never makes
  return json;
}

Status FromPayload(std::string_view payload, google::protobuf::Message& message) {
  const std::string_view text = payload.empty() ? "{}" : payload;
  message.Clear();
  if (ReadUsualJson(text, message)) return {};
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status =
      google::protobuf::util::JsonStringToMessage(google::protobuf::StringPiece(text.data(), text.size()), &message, options);
  if (status.ok()) return {};
  return InvalidArgument(message.GetTypeName() + ": " + std::string(status.message().data(), status.message().size()));
}

}  // namespace vora::workflow
