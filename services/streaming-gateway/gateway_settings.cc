#include "services/streaming-gateway/gateway_settings.h"

#include <optional>
#include <utility>

#include "libs/core/error.h"

namespace vora::gateway {
namespace {

StatusOr<std::optional<auth::PlaybackTokens>> MakeTokens(const GatewaySettings& settings) {
  if (settings.tokens != "on") return std::optional<auth::PlaybackTokens>();
  if (settings.keys.empty()) return InvalidField("VORA_PLAYBACK_KEYS", "must be set when VORA_PLAYBACK_TOKENS is on");
  auto keys = auth::ParsePlaybackKeys(settings.keys);
  if (!keys.ok()) return Annotate(keys.status(), "VORA_PLAYBACK_KEYS");
  return std::optional<auth::PlaybackTokens>(std::in_place, *std::move(keys));
}

}  // namespace

void GatewaySettings::Declare(SettingsSchema& schema) {
  schema.Add("VORA_HTTP_LISTEN", &http_listen, "host:port for players and the edge");
  storage.Declare(schema);
  schema.Add("VORA_METADATA", &metadata, "host:port of the metadata daemon's gRPC");
  schema.Add("VORA_METADATA_TIMEOUT", &metadata_timeout, "how long one question to metadata may take", {.min = 100, .max = 30'000});
  http::DeclareLimits(schema, http);
  schema.AddBytes("VORA_GATEWAY_CACHE_BYTES", &cache_bytes, "memory for objects being sent", {.min = 1 << 20, .max = int64_t{1} << 40});
  schema.Add("VORA_GATEWAY_IO_THREADS", &io_threads, "threads that serve connections", {.min = 1, .max = 64});
  schema.Add("VORA_ANALYTICS", &analytics,
             "host:port of the analytics-ingest daemon's gRPC, which gets a record of deliveries; empty: none are made");
  schema.Add("VORA_SLOW_ORIGIN", &slow_origin, "a fetch from the object store that takes this long is recorded without a session too",
             {.min = 1, .max = 60'000});
  SettingOptions on_off;
  on_off.choices = {"off", "on"};
  schema.Add("VORA_PLAYBACK_TOKENS", &tokens, "whether playing needs a token", on_off);
  schema.Add("VORA_PLAYBACK_KEYS", &keys, "id1:secret1,id2:secret2; the first signs, all verify", {.secret = true});
  schema.Add(
      "VORA_EDGE_SECRET", &edge_secret,
      "what the edge proves itself with, at least 16 bytes (several: separated by commas); empty: tokens are checked here, and what needs "
      "one is not cached at the edge",
      {.secret = true});
  schema.Add("VORA_TOKEN_VERDICT_LIFETIME", &verdict_lifetime,
             "for how long the edge may go by a token's verdict, and so by a key that was taken away", {.min = 1000, .max = 3'600'000});
}

StatusOr<GatewayOptions> GatewaySettings::Options() const {
  GatewayOptions options;
  options.http = http;
  options.http.listen = http_listen;
  options.http.io_threads = static_cast<int>(io_threads);
  options.cache.capacity_bytes = cache_bytes;
  if (!analytics.empty()) options.deliveries.send = AnalyticsSender(analytics);
  options.deliveries.slow_origin = slow_origin;
  VORA_ASSIGN_OR_RETURN(options.tokens, MakeTokens(*this));
  auto secrets = ParseEdgeSecrets(edge_secret);
  if (!secrets.ok()) return Annotate(secrets.status(), "VORA_EDGE_SECRET");
  options.edge = {*std::move(secrets), std::chrono::duration_cast<std::chrono::seconds>(verdict_lifetime)};
  return options;
}

}  // namespace vora::gateway
