#include "services/metadata/metadata_settings.h"

#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "libs/core/error.h"
#include "libs/core/labels.h"
#include "libs/ladder/ladder.h"
#include "services/metadata/api/rest.h"

namespace vora::metadata {
namespace {

StatusOr<std::optional<auth::PlaybackTokens>> LoadTokens(const MetadataSettings& settings) {
  if (settings.playback_tokens != "on") return std::optional<auth::PlaybackTokens>();
  if (settings.playback_keys.empty()) return InvalidField("VORA_PLAYBACK_KEYS", "must be set when VORA_PLAYBACK_TOKENS is on");
  auto keys = auth::ParsePlaybackKeys(settings.playback_keys);
  if (!keys.ok()) return Annotate(keys.status(), "VORA_PLAYBACK_KEYS");
  return std::optional<auth::PlaybackTokens>(std::in_place, *std::move(keys));
}

StatusOr<std::optional<media::v1::Ladder>> LoadLadder(const std::string& file) {
  if (file.empty()) return std::optional<media::v1::Ladder>();
  std::ifstream in(file);
  if (!in) return InvalidField("VORA_LADDER", "cannot read " + file);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  auto ladder = ladder::ParseLadder(text);
  if (!ladder.ok()) return Annotate(ladder.status(), "VORA_LADDER " + file);
  // Names had no rules before ladders were chosen by them.
  if (!CheckLadderName("name", ladder->name()).ok()) ladder->set_name("installation");
  if (const Status valid = ladder::ValidateLadder(*ladder); !valid.ok()) return Annotate(valid, "VORA_LADDER " + file);
  return std::optional(*std::move(ladder));
}

}  // namespace

void MetadataSettings::Declare(SettingsSchema& schema) {
  schema.Add("VORA_HTTP_LISTEN", &app.http_listen, "host:port of REST and console");
  schema.Add("VORA_DATABASE_URL", &app.database_url, "PostgreSQL, e.g. postgresql://vora:password@127.0.0.1:5432/vora",
             {.secret = true, .required = true});
  schema.Add("VORA_DATABASE_CONNECTIONS", &database_connections, "connections this replica keeps at most", {.min = 2, .max = 500});
  schema.Add("VORA_ORCHESTRATOR", &app.orchestrator, "host:port of the orchestrator's gRPC");
  schema.Add("VORA_UPLOAD", &app.upload, "host:port of the upload daemon's gRPC");
  schema.Add("VORA_PUBLIC_URL", &app.public_url, "the edge as viewers reach it, for links");
  schema.Add("VORA_FLEET", &fleet,
             "daemons whose health operators are shown, name=host:port (gRPC) each; empty: the orchestrator and the upload daemon");
  schema.Add("VORA_UPLOAD_PUBLIC_URL", &app.upload_url, "the upload daemon's tus endpoint as browsers reach it");
  app.clickhouse.Declare(schema);
  schema.Add("VORA_ANALYTICS", &app.analytics, "host:port of analytics-ingest's gRPC, which erases what is stored of a viewer");
  schema.Add("VORA_CONSOLE_DIR", &app.console_dir, "folder of the console's static files; empty: no console");
  schema.Add("VORA_PLAYBACK_TOKENS", &playback_tokens, "whether playing needs a token, as the gateway has it", {.choices = {"off", "on"}});
  schema.Add("VORA_PLAYBACK_KEYS", &playback_keys, "id1:secret1,id2:secret2 as the gateway has them; the first signs", {.secret = true});
  schema.Add("VORA_LADDER", &ladder_file,
             "JSON file of a ladder for all tenants: new videos get it unless another one is chosen; empty: the shipped `default`");
  schema.Add("VORA_REPLACED_GRACE", &app.replaced_grace,
             "how long the objects that a later encode of a video replaced stay, for who is playing them", {.min = 0});
  schema.Add("VORA_SOURCES", &sources, sources::kSourcesHelp);
  schema.Add("VORA_IMPORT_ALLOW_PRIVATE", &app.import_allow_private,
             "whether URLs of private addresses may be imported, for servers inside the same network");
  schema.Add("VORA_WEBHOOK_ALLOW_PRIVATE", &app.webhook_allow_private,
             "whether webhooks may be sent to private addresses and over http, for receivers inside the same network");
  schema.Add("VORA_METADATA_SLOTS", &activity_slots, "activities of queue `metadata` worked off at the same time", {.min = 1, .max = 64});
  app.http.max_connections_per_client = 256;
  app.http.max_requests_per_second_per_client = 200;
  app.http.min_body_rate = 1024;
  http::DeclareLimits(schema, app.http);
}

StatusOr<AppOptions> MetadataSettings::Options() const {
  AppOptions options = app;
  VORA_ASSIGN_OR_RETURN(options.ladder, LoadLadder(ladder_file));
  VORA_ASSIGN_OR_RETURN(options.fleet, ParseFleet(fleet));
  if (options.fleet.empty()) options.fleet = {{"orchestrator", options.orchestrator}, {"upload", options.upload}};
  VORA_ASSIGN_OR_RETURN(options.playback_tokens, LoadTokens(*this));
  VORA_RETURN_IF_ERROR(CheckUploadUrl(options.upload_url));
  if (!options.clickhouse.url.empty()) VORA_RETURN_IF_ERROR(options.clickhouse.Check());
  options.database_connections = static_cast<int>(database_connections);
  options.activity_slots = static_cast<int>(activity_slots);
  while (!options.public_url.empty() && options.public_url.back() == '/') options.public_url.pop_back();
  return options;
}

}  // namespace vora::metadata
