#include "libs/workflow/definition/payload.h"

#include <google/protobuf/util/json_util.h>

#include "libs/core/error.h"
#include "libs/workflow/definition/history.h"
#include "libs/workflow/definition/usual_json_internal.h"

namespace vora::workflow {

Status CheckPayload(std::string_view field, std::string_view payload) {
  if (payload.size() > kMaxPayloadBytes) {
    return InvalidField(field, std::to_string(payload.size()) + " bytes are more than the limit of " + std::to_string(kMaxPayloadBytes));
  }
  // PostgreSQL's `text` cannot hold it; found there it would be an error of the whole transition.
  if (payload.find('\0') != std::string_view::npos) return InvalidField(field, "must not contain NUL bytes");
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
