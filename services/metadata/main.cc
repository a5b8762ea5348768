// vora-metadata: videos, their states and their ladders in PostgreSQL; REST, gRPC and the console's pages.

#include <fstream>
#include <iterator>

#include "libs/core/error.h"
#include "libs/daemon/daemon.h"
#include "libs/ladder/ladder.h"
#include "services/metadata/api/rest.h"
#include "services/metadata/app.h"

namespace {

using vora::Daemon;
using vora::Status;
using vora::metadata::App;
using vora::metadata::AppOptions;

struct Settings {
  AppOptions app;
  int64_t database_connections = 16;
  int64_t activity_slots = 8;
  std::string ladder_file;
  std::string playback_tokens = "off";
  std::string playback_keys;
  std::vector<std::string> fleet;
};

void Declare(vora::SettingsSchema& schema, Settings& settings) {
  schema.Add("VORA_HTTP_LISTEN", &settings.app.http_listen, "host:port of REST and console");
  schema.Add("VORA_DATABASE_URL", &settings.app.database_url, "PostgreSQL, e.g. postgresql://vora:password@127.0.0.1:5432/vora",
             {.secret = true, .required = true});
  schema.Add("VORA_DATABASE_CONNECTIONS", &settings.database_connections, "connections this replica keeps at most", {.min = 2, .max = 500});
  schema.Add("VORA_ORCHESTRATOR", &settings.app.orchestrator, "host:port of the orchestrator's gRPC");
  schema.Add("VORA_UPLOAD", &settings.app.upload, "host:port of the upload daemon's gRPC");
  schema.Add("VORA_PUBLIC_URL", &settings.app.public_url, "the edge as viewers reach it, for links");
  schema.Add("VORA_FLEET", &settings.fleet,
             "daemons whose health operators are shown, name=host:port (gRPC) each; empty: the orchestrator and the upload daemon");
  schema.Add("VORA_UPLOAD_PUBLIC_URL", &settings.app.upload_url, "the upload daemon's tus endpoint as browsers reach it");
  settings.app.clickhouse.Declare(schema);
  schema.Add("VORA_ANALYTICS", &settings.app.analytics, "host:port of analytics-ingest's gRPC, which erases what is stored of a viewer");
  schema.Add("VORA_CONSOLE_DIR", &settings.app.console_dir, "folder of the console's static files; empty: no console");
  schema.Add("VORA_PLAYBACK_TOKENS", &settings.playback_tokens, "whether playing needs a token, as the gateway has it",
             {.choices = {"off", "on"}});
  schema.Add("VORA_PLAYBACK_KEYS", &settings.playback_keys, "id1:secret1,id2:secret2 as the gateway has them; the first signs",
             {.secret = true});
  schema.Add("VORA_LADDER", &settings.ladder_file, "JSON file of the ladder new videos get; empty: the built-in one");
  schema.Add("VORA_WEBHOOK_ALLOW_PRIVATE", &settings.app.webhook_allow_private,
             "whether webhooks may be sent to private addresses and over http, for receivers inside the same network");
  schema.Add("VORA_METADATA_SLOTS", &settings.activity_slots, "activities of queue `metadata` worked off at the same time",
             {.min = 1, .max = 64});
  settings.app.http.max_connections_per_client = 256;
  settings.app.http.max_requests_per_second_per_client = 200;
  settings.app.http.min_body_rate = 1024;
  vora::http::DeclareLimits(schema, settings.app.http);
}

vora::StatusOr<std::optional<vora::auth::PlaybackTokens>> LoadTokens(const Settings& settings) {
  if (settings.playback_tokens != "on") return std::optional<vora::auth::PlaybackTokens>();
  if (settings.playback_keys.empty()) return vora::InvalidField("VORA_PLAYBACK_KEYS", "must be set when VORA_PLAYBACK_TOKENS is on");
  auto keys = vora::auth::ParsePlaybackKeys(settings.playback_keys);
  if (!keys.ok()) return vora::Annotate(keys.status(), "VORA_PLAYBACK_KEYS");
  return std::optional<vora::auth::PlaybackTokens>(std::in_place, *std::move(keys));
}

vora::StatusOr<vora::workflow::v1::Ladder> LoadLadder(const std::string& file) {
  if (file.empty()) return vora::ladder::DefaultLadder();
  std::ifstream in(file);
  if (!in) return vora::InvalidField("VORA_LADDER", "cannot read " + file);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  auto ladder = vora::ladder::ParseLadder(text);
  if (!ladder.ok()) return vora::Annotate(ladder.status(), "VORA_LADDER " + file);
  return ladder;
}

Status SetUp(Daemon& daemon, Settings& settings) {
  VORA_ASSIGN_OR_RETURN(settings.app.ladder, LoadLadder(settings.ladder_file));
  VORA_ASSIGN_OR_RETURN(settings.app.fleet, vora::metadata::ParseFleet(settings.fleet));
  if (settings.app.fleet.empty()) settings.app.fleet = {{"orchestrator", settings.app.orchestrator}, {"upload", settings.app.upload}};
  VORA_ASSIGN_OR_RETURN(settings.app.playback_tokens, LoadTokens(settings));
  VORA_RETURN_IF_ERROR(vora::metadata::CheckUploadUrl(settings.app.upload_url));
  if (!settings.app.clickhouse.url.empty()) VORA_RETURN_IF_ERROR(settings.app.clickhouse.Check());
  settings.app.database_connections = static_cast<int>(settings.database_connections);
  settings.app.activity_slots = static_cast<int>(settings.activity_slots);
  while (!settings.app.public_url.empty() && settings.app.public_url.back() == '/') settings.app.public_url.pop_back();
  const auto app = std::make_shared<App>(settings.app, vora::Doors(daemon.authenticator()), daemon.metrics(),
                                         [&daemon](const Status& reason) { daemon.Fail(reason); });
  daemon.Keep(app);
  for (grpc::Service* service : app->services()) daemon.AddService(service);
  daemon.readiness().AddCheck("database", [app] { return app->Ready(); });
  daemon.OnStop("metadata", std::chrono::seconds(10), [app](std::chrono::milliseconds budget) { app->Stop(budget); });
  return app->Start();
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  vora::DaemonSpec spec;
  spec.name = "vora-metadata";
  spec.summary = "Videos, their states and ladders: REST, gRPC and the console's pages.";
  spec.default_grpc = "127.0.0.1:9082";
  spec.default_admin = "127.0.0.1:9182";
  spec.declare = [&settings](vora::SettingsSchema& schema) { Declare(schema, settings); };
  spec.setup = [&settings](Daemon& daemon) { return SetUp(daemon, settings); };
  spec.commands.push_back(vora::MigrateCommand(
      "PostgreSQL", [&settings](vora::obs::Metrics& metrics) { return vora::metadata::MigrateDatabase(settings.app, metrics); }));
  return vora::RunDaemon(argc, argv, spec);
}
