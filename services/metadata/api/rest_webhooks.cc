#include "services/metadata/api/rest_webhooks.h"

#include <nlohmann/json.hpp>

#include "libs/core/error.h"
#include "libs/obs/trace.h"
#include "services/metadata/videos/video_fields.h"
#include "services/metadata/webhooks/webhook_dispatcher.h"
#include "services/metadata/webhooks/webhook_repo.h"
#include "services/metadata/webhooks/webhook_sender.h"
#include "services/metadata/webhooks/webhook_signature.h"
#include "services/metadata/webhooks/webhook_target.h"

namespace vora::metadata {
namespace {

using OrderedJson = nlohmann::ordered_json;

OrderedJson TextOrNull(const std::string& text) { return text.empty() ? OrderedJson(nullptr) : OrderedJson(text); }

OrderedJson ToJson(const Webhook& webhook) {
  return {{"webhook_id", webhook.webhook_id},
          {"url", webhook.url},
          {"description", webhook.description},
          {"events", webhook.events},
          {"enabled", webhook.enabled},
          {"disabled_reason", TextOrNull(webhook.disabled_reason)},
          {"failing_since", TextOrNull(webhook.failing_since)},
          {"created_at", webhook.created_at},
          {"updated_at", webhook.updated_at}};
}

OrderedJson ToJson(const WebhookDelivery& delivery) {
  return {{"delivery_id", delivery.delivery_id},
          {"event", delivery.event},
          {"video_id", TextOrNull(delivery.video_id)},
          {"state", delivery.state},
          {"attempts", delivery.attempts},
          {"last_status", delivery.last_status == 0 ? OrderedJson(nullptr) : OrderedJson(delivery.last_status)},
          {"last_error", TextOrNull(delivery.last_error)},
          {"created_at", delivery.created_at},
          {"next_attempt_at", TextOrNull(delivery.next_attempt_at)},
          {"ended_at", TextOrNull(delivery.ended_at)}};
}

OrderedJson ToJson(const OrderedJson& json) { return json; }

template <typename T>
http::Response JsonOfWebhook(int status, const StatusOr<T>& result) {
  return result.ok() ? http::Response::Json(status, ToJson(*result).dump()) : http::ErrorResponse(result.status());
}

// The name server is asked as well, so that a mistake is told now and not by a delivery that fails.
Status CheckUrl(const std::string& url, bool allow_private) {
  VORA_ASSIGN_OR_RETURN(const auto target, curl::ParseOutboundUrl(url, WebhookRules(allow_private)));
  const Status resolved = curl::ResolveOutboundInPassing(target, WebhookRules(allow_private)).status();
  if (resolved.code() == StatusCode::kResourceExhausted) return WithDetail(Unavailable(Message(resolved)), {.field = "url"});
  // Who writes down a name that does not resolve has made a mistake; at a delivery the same may pass, and is tried again.
  return resolved.code() == StatusCode::kUnavailable ? WithDetail(InvalidArgument(Message(resolved)), {.field = "url"}) : resolved;
}

http::Response CreateWebhook(WebhookRepo& webhooks, WebhookSender& sender, const http::Request& request, const std::string& body) {
  const auto fields = ParseWebhookFields(body, /*create=*/true);
  if (!fields.ok()) return http::ErrorResponse(fields.status());
  if (const Status url = CheckUrl(*fields->url, sender.allow_private()); !url.ok()) return http::ErrorResponse(url);
  const std::string secret = fields->secret.value_or(NewWebhookSecret());
  const auto created = webhooks.Create(request.caller.tenant, *fields, secret);
  if (!created.ok()) return http::ErrorResponse(created.status());
  OrderedJson json = ToJson(*created);
  json["secret"] = secret;  // here, and never again
  http::Response response = http::Response::Json(201, json.dump());
  response.headers.Set("Location", "/v1/webhooks/" + created->webhook_id);
  return response;
}

http::Response Update(WebhookRepo& webhooks, WebhookSender& sender, const http::Request& request, const std::string& body) {
  const auto fields = ParseWebhookFields(body, /*create=*/false);
  if (!fields.ok()) return http::ErrorResponse(fields.status());
  if (fields->url) {
    if (const Status url = CheckUrl(*fields->url, sender.allow_private()); !url.ok()) return http::ErrorResponse(url);
  }
  return JsonOfWebhook(200, webhooks.Update(request.caller.tenant, request.params.at("id"), *fields));
}

StatusOr<OrderedJson> ListDeliveries(WebhookRepo& webhooks, const http::Request& request) {
  VORA_RETURN_IF_ERROR(CheckQueryKeys(request, {"page_size", "page_token", "state"}));
  VORA_ASSIGN_OR_RETURN(const int64_t size, QueryNumber(request, "page_size", kDefaultPageSize, 1, kMaxPageSize));
  VORA_ASSIGN_OR_RETURN(const int64_t before, QueryNumber(request, "page_token", 0, 1, INT64_MAX));
  const std::string state = request.Query("state").value_or("");
  if (!state.empty() && state != "PENDING" && state != "DELIVERED" && state != "DEAD") {
    return InvalidField("state", "must be PENDING, DELIVERED or DEAD");
  }
  VORA_ASSIGN_OR_RETURN(const auto page,
                        webhooks.Deliveries(request.caller.tenant, request.params.at("id"), state, before, static_cast<int>(size)));
  OrderedJson json = {{"deliveries", OrderedJson::array()},
                      {"next_page_token", page.next_before == 0 ? "" : std::to_string(page.next_before)}};
  for (const auto& delivery : page.deliveries) json["deliveries"].push_back(ToJson(delivery));
  return json;
}

StatusOr<OrderedJson> ListWebhooks(WebhookRepo& webhooks, const http::Request& request) {
  VORA_RETURN_IF_ERROR(CheckQueryKeys(request, {}));
  VORA_ASSIGN_OR_RETURN(const auto all, webhooks.List(request.caller.tenant));
  OrderedJson json = {{"webhooks", OrderedJson::array()}};
  for (const auto& webhook : all) json["webhooks"].push_back(ToJson(webhook));
  return json;
}

}  // namespace

void AddWebhookRoutes(ApiRoutes& routes, WebhookRepo& webhooks, WebhookSender& sender, WebhookDispatcher& dispatcher) {
  using http::Request;
  routes.Simple(
      "POST", "/v1/webhooks",
      [&webhooks, &sender](const Request& request, const std::string& body) { return CreateWebhook(webhooks, sender, request, body); },
      Scope::kOperate);
  routes.Simple(
      "GET", "/v1/webhooks",
      [&webhooks](const Request& request, const std::string&) { return JsonOfWebhook(200, ListWebhooks(webhooks, request)); },
      Scope::kOperate);
  routes.Simple(
      "GET", "/v1/webhooks/{id}",
      [&webhooks](const Request& request, const std::string&) {
        return JsonOfWebhook(200, webhooks.Get(request.caller.tenant, request.params.at("id")));
      },
      Scope::kOperate);
  routes.Simple(
      "PATCH", "/v1/webhooks/{id}",
      [&webhooks, &sender, &dispatcher](const Request& request, const std::string& body) {
        http::Response response = Update(webhooks, sender, request, body);
        dispatcher.Wake();  // what waited while it was disabled
        return response;
      },
      Scope::kOperate);
  routes.Simple(
      "DELETE", "/v1/webhooks/{id}",
      [&webhooks](const Request& request, const std::string&) {
        const Status deleted = webhooks.Delete(request.caller.tenant, request.params.at("id"));
        return deleted.ok() ? http::Response::Empty(204) : http::ErrorResponse(deleted);
      },
      Scope::kOperate);
  routes.Simple(
      "GET", "/v1/webhooks/{id}/deliveries",
      [&webhooks](const Request& request, const std::string&) { return JsonOfWebhook(200, ListDeliveries(webhooks, request)); },
      Scope::kOperate);
  routes.Simple(
      "POST", "/v1/webhooks/{id}/deliveries/{delivery_id}/redeliver",
      [&webhooks, &dispatcher](const Request& request, const std::string&) {
        const auto again = webhooks.Redeliver(request.caller.tenant, request.params.at("id"), request.params.at("delivery_id"));
        dispatcher.Wake();
        return JsonOfWebhook(202, again);
      },
      Scope::kOperate);
  routes.Simple(
      "POST", "/v1/webhooks/{id}/test",
      [&webhooks, &dispatcher](const Request& request, const std::string&) {
        const auto added = webhooks.AddTest(request.caller.tenant, request.params.at("id"), obs::CurrentTrace().ToTraceparent());
        dispatcher.Wake();
        return JsonOfWebhook(202, added);
      },
      Scope::kOperate);
}

}  // namespace vora::metadata
