#include "services/amqp-bridge/task.h"

#include <initializer_list>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "libs/core/error.h"
#include "libs/core/text.h"
#include "libs/core/text_field.h"
#include "libs/protojson/proto_json.h"

namespace vora::amqp {
namespace {

using nlohmann::json;

constexpr char kRequestPrefix[] = "amqp/";  // apart from the keys of other clients
constexpr size_t kMaxTaskId = 250;          // bytes: with the prefix it is a request_id
constexpr size_t kMaxProperty = 255;        // bytes, of a short string of AMQP

std::string Header(const Message& message, const std::string& name) {
  const auto found = message.headers.find(name);
  return found == message.headers.end() ? "" : found->second;
}

bool IsCelery(const Message& message) { return !Header(message, "task").empty() && !Header(message, "id").empty(); }

std::string FirstOf(std::initializer_list<std::string> ids) {
  for (const auto& id : ids) {
    if (!id.empty()) return id;
  }
  return "";
}

// Celery's arguments: [args, kwargs, embed]. What would be left undone is refused rather than dropped.
StatusOr<json> KeywordArguments(json body) {
  if (!body.is_array() || body.size() != 3 || !body[0].is_array() || !body[1].is_object()) {
    return InvalidField("body", "a Celery task must be [args, kwargs, embed] (protocol 2)");
  }
  if (!body[0].empty()) return InvalidField("args", "must be empty: give the fields as keyword arguments");
  for (const char* name : {"callbacks", "errbacks", "chain", "chord"}) {
    const bool given = body[2].is_object() && body[2].contains(name) && !body[2][name].is_null() && !body[2][name].empty();
    if (given) return InvalidField(std::string("embed.") + name, "nothing is run after this task; follow its answers instead");
  }
  // Not copied: a body may be nested as deep as it is long, and copies go as deep.
  return std::move(body[1]);
}

StatusOr<json> Fields(const Message& message, size_t max_body) {
  if (message.body_size > max_body) {
    const std::string limit = std::to_string(max_body) + " bytes";
    return InvalidField("body", "at most " + limit, limit);
  }
  if (!message.content_type.empty() && ToLower(message.content_type).rfind("application/json", 0) != 0) {
    return InvalidField("content_type", "must be application/json");
  }
  if (!message.content_encoding.empty() && !EqualsIgnoreCase(message.content_encoding, "utf-8")) {
    return InvalidField("content_encoding", "must be utf-8");
  }
  json body = json::parse(message.body, nullptr, /*allow_exceptions=*/false);
  if (body.is_discarded()) return InvalidField("body", "not valid JSON");
  if (IsCelery(message)) return KeywordArguments(std::move(body));
  return body;
}

// Both become properties of answers.
Status CheckRecipient(const Recipient& recipient) {
  for (const auto& [name, value] : {std::pair("correlation_id", recipient.correlation_id), std::pair("reply_to", recipient.reply_to)}) {
    VORA_RETURN_IF_ERROR(CheckText(name, value, kMaxProperty));
    if (value.size() > kMaxProperty) return InvalidField(name, "at most 255 bytes", "255 bytes");
  }
  return absl::OkStatus();
}

// The recipient of what may be refused later: nobody, when it cannot be named.
Status TakeRecipient(const Recipient& recipient, Task& task) {
  VORA_RETURN_IF_ERROR(CheckRecipient(recipient));
  task.recipient = recipient;
  return absl::OkStatus();
}

}  // namespace

Status ReadTask(const Message& message, size_t max_body, Task& task) {
  const std::string sent_id = FirstOf({IsCelery(message) ? Header(message, "id") : "", message.message_id, message.correlation_id});
  VORA_RETURN_IF_ERROR(TakeRecipient({FirstOf({message.correlation_id, sent_id}), message.reply_to}, task));
  VORA_ASSIGN_OR_RETURN(const json fields, Fields(message, max_body));
  metadata::v1::ImportVideoRequest& request = task.request;
  VORA_RETURN_IF_ERROR(FromJson(fields, "body", request));
  const std::string id = FirstOf({request.request_id(), sent_id, request.external_id()});
  if (id.empty()) {
    return InvalidField("message_id",
                        "the task has no name, so that a redelivery would make a second video: give message_id, correlation_id, or "
                        "request_id or external_id in the body");
  }
  if (task.recipient.correlation_id.empty()) VORA_RETURN_IF_ERROR(TakeRecipient({id, message.reply_to}, task));
  // An external_id by itself finds the video again, and lets a deleted one be asked for anew.
  if (request.request_id().empty() && !sent_id.empty()) {
    VORA_RETURN_IF_ERROR(CheckText("message_id", sent_id, kMaxTaskId));
    if (sent_id.size() > kMaxTaskId) return InvalidField("message_id", "at most 250 bytes", "250 bytes");
    request.set_request_id(kRequestPrefix + sent_id);
  }
  return absl::OkStatus();
}

}  // namespace vora::amqp
