#include "services/analytics-ingest/ingest_settings.h"

#include "libs/core/error.h"

namespace vora::analytics {
namespace {

SettingOptions Between(int64_t min, int64_t max) {
  SettingOptions options;
  options.min = min;
  options.max = max;
  return options;
}

constexpr int64_t kMaxRate = 1'000'000'000;

}  // namespace

IngestSettings::IngestSettings() {
  http.idle_timeout = std::chrono::seconds(20);  // also how long a body may rest
  http.max_connections_per_client = 256;
  http.min_body_rate = 1024;  // requests per client are limited with their events, by ClientLimits
}

void IngestSettings::Declare(SettingsSchema& schema) {
  schema.Add("VORA_HTTP_LISTEN", &http_listen, "Address that players and the edge post events to, host:port; port 0 takes any free one");
  schema.Add("VORA_INGEST_IO_THREADS", &io_threads, "Threads that serve connections and read events", Between(1, 64));
  schema.AddBytes("VORA_INGEST_MAX_BODY", &routes.max_body_bytes,
                  "Largest request body; beyond it 413. Reading a body takes up to 14 times its size, once per thread",
                  Between(1024, 16 << 20));
  schema.Add("VORA_INGEST_MAX_EVENTS", &routes.max_events, "Most events in one request; beyond it 413", Between(1, 100'000));
  schema.AddBytes("VORA_INGEST_MAX_IN_FLIGHT", &routes.max_bytes_in_flight,
                  "Bodies being read or waiting for the disk, all clients together; beyond it 503 with Retry-After",
                  Between(1 << 20, int64_t{4} << 30));
  schema.Add("VORA_CLIENT_EVENTS_PER_SECOND", &limits.events_per_second, "Events per client; beyond it 429 with Retry-After; 0: no limit",
             Between(0, kMaxRate));
  schema.Add("VORA_CLIENT_EVENTS_BURST", &limits.events_burst, "Events that a client may send at once after a silence",
             Between(1, kMaxRate));
  schema.Add("VORA_CLIENT_REQUESTS_PER_SECOND", &limits.requests_per_second,
             "Requests per client, whatever is in them; 0: as many as events", Between(0, kMaxRate));
  schema.Add("VORA_CLIENT_REQUESTS_BURST", &limits.requests_burst,
             "Requests that a client may send at once, if their number is limited apart", Between(1, kMaxRate));
  schema.Add("VORA_CLIENTS_REMEMBERED", &limits.max_clients, "Clients whose limits are kept in memory, about 200 bytes each",
             Between(8, 10'000'000));
  http::DeclareLimits(schema, http);
  schema.Add("VORA_CORS_ORIGINS", &routes.cors_origins, "Web origins whose pages may post events; * for any");
  SettingOptions modes;
  modes.choices = {"rotating", "stable", "none"};
  schema.Add("VORA_VIEWER_HASH", &viewer_hash,
             "How viewers are kept: hashed with a salt that changes every period, with one that stays, or not at all", modes);
  SettingOptions secret;
  secret.secret = true;
  schema.Add("VORA_VIEWER_SECRET", &viewer_secret,
             "Secret that the salts come from; the same for all replicas. Unset: one is made and kept in the spool directory", secret);
  schema.Add("VORA_VIEWER_SALT_PERIOD", &viewer_salt_period,
             "How long a salt is used. Rows hashed under another period's length cannot be found for erasure",
             Between(3'600'000, 400LL * 86'400'000));
  spool.Declare(schema);
  shipper.Declare(schema);
  clickhouse.Declare(schema);
}

Status IngestSettings::Check() const {
  if (auto parsed = http::ParseCidrs(http.trusted_proxies); !parsed.ok()) return Annotate(parsed.status(), "VORA_TRUSTED_PROXIES");
  if (limits.events_per_second > 0 && limits.events_burst < routes.max_events) {
    return InvalidField("VORA_CLIENT_EVENTS_BURST", "must not be below VORA_INGEST_MAX_EVENTS, or a full request could never come in");
  }
  if (routes.max_bytes_in_flight < routes.max_body_bytes) {
    return InvalidField("VORA_INGEST_MAX_IN_FLIGHT", "must not be below VORA_INGEST_MAX_BODY");
  }
  if (!viewer_secret.empty() && viewer_secret.size() < 16) return InvalidField("VORA_VIEWER_SECRET", "must have at least 16 characters");
  return clickhouse.Check();
}

ViewerHashOptions IngestSettings::ViewerOptions(std::string secret) const {
  ViewerHashOptions options;
  options.mode = viewer_hash == "none"     ? ViewerHashMode::kNone
                 : viewer_hash == "stable" ? ViewerHashMode::kStable
                                           : ViewerHashMode::kRotating;
  options.secret = std::move(secret);
  options.period = viewer_salt_period;
  options.retention = std::chrono::hours(24 * shipper.retention_days);
  return options;
}

}  // namespace vora::analytics
