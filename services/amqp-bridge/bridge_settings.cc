#include "services/amqp-bridge/bridge_settings.h"

#include <amqp.h>

#include <algorithm>

#include "libs/core/error.h"

namespace vora::amqp {
namespace {

constexpr size_t kMaxName = 255;         // bytes, of a queue or an exchange (AMQP 0-9-1 section 4.2.5.3)
constexpr size_t kMaxSubscription = 63;  // as metadata has it

Status CheckName(const char* variable, const std::string& name) {
  if (name.size() <= kMaxName) return absl::OkStatus();
  return InvalidField(variable, "at most 255 bytes", "255 bytes");
}

Status CheckSubscription(const std::string& name) {
  const bool allowed = std::all_of(name.begin(), name.end(),
                                   [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
  if (allowed && !name.empty() && name.size() <= kMaxSubscription) return absl::OkStatus();
  return InvalidField("VORA_AMQP_SUBSCRIPTION", "must have 1 to 63 characters of a to z, 0 to 9, '-' and '_'", "63 characters");
}

}  // namespace

void BridgeSettings::Declare(SettingsSchema& schema) {
  schema.Add("VORA_AMQP_URL", &url, "The broker, amqp[s]://user:password@host:port/vhost", {.secret = true, .required = true});
  schema.Add("VORA_AMQP_CA", &ca_file,
             "PEM file of the authorities that the certificate of an amqps broker must come from; empty: the system's");
  schema.Add("VORA_AMQP_QUEUE", &queue, "Queue that tasks are taken from; it is waited for, and never declared");
  schema.Add("VORA_AMQP_PREFETCH", &prefetch, "Tasks that may be taken from the queue and not yet acknowledged", {.min = 1, .max = 1000});
  schema.AddBytes("VORA_AMQP_MAX_BODY", &max_body, "Largest body of a task; a larger one is refused", {.min = 1024, .max = 1 << 20});
  schema.Add("VORA_AMQP_GIVE_UP_AFTER", &give_up_after,
             "How long a task that cannot be decided is tried, as when its source does not answer; then it is refused",
             {.min = 1000, .max = 30LL * 24 * 3'600'000});
  schema.Add("VORA_AMQP_REPLY_EXCHANGE", &reply_exchange,
             "Exchange that states and results are published to; empty: they go to a task's reply_to only");
  schema.Add("VORA_AMQP_REPLY_KEY", &reply_key, "Routing key of what is published there; empty: its type, as video.ready");
  schema.Add("VORA_AMQP_SUBSCRIPTION", &subscription,
             "Name under which metadata keeps events for this bridge and its replicas; bridges of several brokers, vhosts or reply "
             "exchanges need several");
  schema.Add("VORA_METADATA", &metadata, "host:port of metadata's gRPC");
  schema.Add("VORA_TOKEN", &token, "Token of the tenant whose tasks these are, with the scopes write, read and operate; empty: none",
             {.secret = true});
  schema.Add("VORA_TOKEN_FILE", &token_file, "File that holds the token instead; it is read anew now and then, so that it can be renewed");
}

StatusOr<BrokerOptions> BridgeSettings::Broker() const {
  std::string parts = url;  // the library cuts it up in place
  amqp_connection_info parsed;
  if (amqp_parse_url(parts.data(), &parsed) != AMQP_STATUS_OK) {
    return InvalidField("VORA_AMQP_URL", "must be amqp://user:password@host:port/vhost, or amqps://");
  }
  VORA_RETURN_IF_ERROR(CheckName("VORA_AMQP_QUEUE", queue));
  VORA_RETURN_IF_ERROR(CheckName("VORA_AMQP_REPLY_EXCHANGE", reply_exchange));
  VORA_RETURN_IF_ERROR(CheckName("VORA_AMQP_REPLY_KEY", reply_key));
  VORA_RETURN_IF_ERROR(CheckSubscription(subscription));
  if (!token.empty() && !token_file.empty()) return InvalidField("VORA_TOKEN", "give it or VORA_TOKEN_FILE, not both");
  BrokerOptions options;
  options.host = parsed.host;
  options.port = parsed.port;
  options.user = parsed.user;
  options.password = parsed.password;
  options.vhost = *parsed.vhost == '\0' ? "/" : parsed.vhost;
  options.tls = parsed.ssl != 0;
  options.ca_file = ca_file;
  options.queue = queue;
  options.prefetch = static_cast<uint16_t>(prefetch);
  options.max_body = static_cast<uint64_t>(max_body);
  options.reply_exchange = reply_exchange;
  return options;
}

}  // namespace vora::amqp
