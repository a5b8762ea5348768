#include "services/metadata/webhooks/webhook.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "libs/core/error.h"
#include "libs/core/text.h"
#include "services/metadata/webhooks/webhook_signature.h"

namespace vora::metadata {
namespace {

using nlohmann::json;

constexpr int kMaxAttempts = 13;
constexpr std::chrono::milliseconds kFirst{5000};
constexpr std::chrono::milliseconds kLongest{std::chrono::hours(12)};
constexpr size_t kMaxText = 500;

Status ReadText(const json& value, const std::string& field, std::optional<std::string>& out) {
  if (!value.is_string()) return InvalidField(field, "must be a text");
  out = value.get<std::string>();
  return {};
}

Status ReadEvents(const json& value, std::optional<std::vector<std::string>>& out) {
  std::string known;
  for (const auto& event : WebhookEvents()) known += (known.empty() ? "" : ", ") + event;
  if (!value.is_array() || value.empty()) return InvalidField("events", "must be a list of at least one of " + known);
  std::vector<std::string> events;
  for (const auto& item : value) {
    const std::string event = item.is_string() ? item.get<std::string>() : "";
    const auto& all = WebhookEvents();
    if (std::find(all.begin(), all.end(), event) == all.end()) return InvalidField("events", "must be of " + known);
    if (std::find(events.begin(), events.end(), event) == events.end()) events.push_back(event);
  }
  out = std::move(events);
  return {};
}

Status ReadField(const std::string& name, const json& value, bool create, WebhookFields& fields) {
  if (name == "url") return ReadText(value, name, fields.url);
  if (name == "events") return ReadEvents(value, fields.events);
  if (name == "description") {
    VORA_RETURN_IF_ERROR(ReadText(value, name, fields.description));
    const auto length = CountCodePoints(*fields.description);
    if (!length || *length > kMaxText || Sanitise(*fields.description, kMaxText) != *fields.description) {
      return InvalidField("description", "at most " + std::to_string(kMaxText) + " characters, without control characters");
    }
    return {};
  }
  if (name == "enabled") {
    if (!value.is_boolean()) return InvalidField("enabled", "must be true or false");
    fields.enabled = value.get<bool>();
    return {};
  }
  if (name == "secret" && create) {
    VORA_RETURN_IF_ERROR(ReadText(value, name, fields.secret));
    return CheckWebhookSecret(*fields.secret);
  }
  if (name == "secret") return InvalidField("secret", "cannot be changed; create another webhook");
  return InvalidField(Sanitise(name, 100),
                      std::string("unknown field; known are url, events, description, enabled") + (create ? ", secret" : ""));
}

}  // namespace

const std::vector<std::string>& WebhookEvents() {
  // The names that the trigger add_webhook_deliveries writes.
  static const std::vector<std::string> events = {"video.processing", "video.partially_ready", "video.ready",
                                                  "video.failed",     "video.cancelled",       "video.deleted"};
  return events;
}

StatusOr<WebhookFields> ParseWebhookFields(std::string_view body, bool create) {
  const json parsed = json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return InvalidField("body", "must be a JSON object");
  WebhookFields fields;
  for (const auto& [name, value] : parsed.items()) VORA_RETURN_IF_ERROR(ReadField(name, value, create, fields));
  if (create && !fields.url) return InvalidField("url", "must be given");
  return fields;
}

std::optional<std::chrono::milliseconds> WebhookBackoff(int attempt, std::optional<std::chrono::seconds> retry_after, double random) {
  if (attempt >= kMaxAttempts) return std::nullopt;
  const double exact = static_cast<double>(kFirst.count()) * std::pow(4.0, std::max(0, attempt - 1));
  const double pause = std::min(exact, static_cast<double>(kLongest.count())) * (0.8 + 0.4 * random);
  // No longer than our own longest pause: a receiver cannot put a delivery off for ever.
  const auto asked = std::min<std::chrono::milliseconds>(retry_after.value_or(std::chrono::seconds(0)), kLongest);
  return std::max(std::chrono::milliseconds(static_cast<int64_t>(pause)), asked);
}

std::string WebhookTestPayload(const std::string& webhook_id, std::string_view timestamp) {
  return json{{"type", kWebhookTestEvent}, {"timestamp", timestamp}, {"data", {{"webhook_id", webhook_id}}}}.dump();
}

}  // namespace vora::metadata
