#include "services/metadata/workflow_json.h"

#include <google/protobuf/util/json_util.h>

namespace vora::metadata {

std::string ToPayload(const google::protobuf::Message& message) {
  std::string json;
  // Fails only for messages with broken Any or Timestamp values, which payloads do not have.
  if (!google::protobuf::util::MessageToJsonString(message, &json).ok()) json.clear();
  return json;
}

Status FromPayload(std::string_view json, google::protobuf::Message* message) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto parsed = google::protobuf::util::JsonStringToMessage({json.data(), json.size()}, message, options);
  if (parsed.ok()) return absl::OkStatus();
  return InvalidArgument("not a " + message->GetDescriptor()->name() + ": " + parsed.ToString());
}

}  // namespace vora::metadata
