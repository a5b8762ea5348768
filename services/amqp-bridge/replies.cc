#include "services/amqp-bridge/replies.h"

#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/core/error.h"
#include "libs/http/message/message.h"
#include "libs/protojson/proto_json.h"

namespace vora::amqp {
namespace {

using metadata::v1::Video;
using nlohmann::json;

// As a client of Celery names them. Only a final one ends its waiting.
std::string CeleryStatus(const std::string& state) {
  static const std::map<std::string, std::string> names = {
      {"CREATED", "RECEIVED"}, {"PROCESSING", "STARTED"}, {"PARTIALLY_READY", "STARTED"}, {"READY", "SUCCESS"},
      {"FAILED", "FAILURE"},   {"CANCELLED", "REVOKED"},  {"DELETED", "REVOKED"}};
  const auto found = names.find(state);
  return found == names.end() ? "STARTED" : found->second;
}

// An exception as Celery's JSON results have it.
json Exception(const std::string& reason, const std::string& message) {
  return {{"exc_type", reason}, {"exc_message", {message}}, {"exc_module", "vora"}};
}

void AddCelery(json& body, const std::string& status, json result) {
  body["status"] = status;
  body["result"] = std::move(result);
  body["traceback"] = nullptr;
  body["children"] = json::array();
}

void AddVideo(json& body, const std::string& status, const json& data) {
  body["data"] = data;
  const json& failure = data.contains("failure") ? data["failure"] : json();
  if (status == "SUCCESS") return AddCelery(body, status, data);
  // What Celery itself raises then: it knows no result of such a task that is none.
  if (status == "REVOKED")
    return AddCelery(body, status, {{"exc_type", "TaskRevokedError"}, {"exc_message", {"cancelled"}}, {"exc_module", "celery.exceptions"}});
  if (status != "FAILURE" || !failure.is_object()) return AddCelery(body, status, nullptr);
  AddCelery(body, status, Exception(failure.value("code", ""), failure.value("message", "")));
}

void AddUrls(json& data, const Video& video) {
  const std::pair<const char*, const std::string&> urls[] = {
      {"hls_url", video.hls_url()}, {"dash_url", video.dash_url()}, {"poster_url", video.poster_url()}, {"watch_url", video.watch_url()}};
  for (const auto& [name, url] : urls) {
    if (!url.empty()) data[name] = url;
  }
}

// As the trigger of metadata's webhooks writes it.
json DataOf(const Video& video) {
  const auto& state = *metadata::v1::VideoState_descriptor()->FindValueByNumber(video.state());
  json data = {{"video_id", video.video_id()},
               {"upload_id", video.upload_id()},
               {"tenant", video.tenant()},
               {"title", video.title()},
               {"state", EnumText(state)},
               {"external_id", video.external_id()},
               {"labels", json::object()},
               {"version", video.version()},
               {"playable", video.playable()},
               {"duration_seconds", video.duration_seconds()},
               {"failure", nullptr}};
  for (const auto& [key, value] : video.labels()) data["labels"][key] = value;
  if (video.state() == metadata::v1::VIDEO_STATE_FAILED) data["failure"] = {{"code", video.failure_code()}, {"message", video.failure()}};
  AddUrls(data, video);
  return data;
}

json Head(const std::string& type, std::string_view timestamp, const Recipient& recipient) {
  return {{"type", type}, {"timestamp", timestamp}, {"task_id", recipient.correlation_id}};
}

std::string Text(const json& body) { return body.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

Reply AcceptedReply(const Recipient& recipient, const Video& video, std::string_view now) {
  const std::string type = "task.accepted";
  json body = Head(type, now, recipient);
  const json data = DataOf(video);
  AddVideo(body, CeleryStatus(data["state"]), data);
  // A task that is sent again finds another state, and is told that.
  const std::string state = data["state"];
  return {type, video.video_id() + "-" + state + "-" + DigestOf(recipient), recipient.correlation_id, recipient.reply_to, Text(body)};
}

Reply RefusedReply(const Recipient& recipient, const Message& message, const Status& why, std::string_view now) {
  const std::string type = "task.refused";
  json body = Head(type, now, recipient);
  body["error"] = json::parse(http::ErrorResponse(why).body)["error"];
  AddCelery(body, "FAILURE", Exception(body["error"]["reason"], body["error"]["message"]));
  const std::string id =
      "refused-" +
      HexEncode(
          Sha256(recipient.correlation_id + '\0' + message.message_id + '\0' + message.body + '\0' + Text(body["error"])).substr(0, 12));
  return {type, id, recipient.correlation_id, recipient.reply_to, Text(body)};
}

StatusOr<std::string> VideoOf(const metadata::v1::Event& event) {
  const json body = json::parse(event.body(), nullptr, /*allow_exceptions=*/false);
  if (!body.is_object() || !body.contains("data") || !body["data"].is_object()) {
    return InvalidArgument("the body of event " + event.event_id() + " is not what it should be");
  }
  return body["data"].value("video_id", "");
}

std::vector<Reply> EventReplies(const metadata::v1::Event& event, const std::optional<Video>& video) {
  const json told = json::parse(event.body());
  json data = told["data"];
  if (video) AddUrls(data, *video);
  const std::string status = CeleryStatus(event.type() == "video.deleted" ? "DELETED" : data.value("state", ""));
  std::vector<Reply> replies;
  for (const auto& text : event.recipients()) {
    // One of a client that is no bridge is nobody here.
    const auto recipient = RecipientOf(text);
    if (!recipient) continue;
    json body = Head(event.type(), told.value("timestamp", ""), *recipient);
    AddVideo(body, status, data);
    replies.push_back(
        {event.type(), event.event_id() + "-" + DigestOf(*recipient), recipient->correlation_id, recipient->reply_to, Text(body)});
  }
  return replies;
}

}  // namespace vora::amqp
