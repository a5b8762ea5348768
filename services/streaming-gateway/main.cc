// vora-streaming-gateway: manifests and segments for players.

#include <malloc.h>

#include <memory>

#include <grpcpp/impl/codegen/service_type.h>

#include "libs/core/error.h"
#include "libs/daemon/daemon.h"
#include "libs/daemon/doors.h"
#include "libs/storage/open_store.h"
#include "libs/storage/s3/s3_credentials.h"
#include "services/streaming-gateway/gateway.h"
#include "services/streaming-gateway/gateway_service.h"

namespace vora::gateway {
namespace {

struct Settings {
  http::ServerOptions http;  // behind the edge, every peer is the edge: limits per client are off until it is named as a proxy
  std::string http_listen = "127.0.0.1:8083";
  std::string storage;
  storage::S3Credentials s3;
  std::string metadata = "127.0.0.1:9082";
  std::string tokens = "off";
  std::string keys;
  std::string edge_secret;
  std::chrono::milliseconds verdict_lifetime{60'000};
  int64_t cache_bytes = 64 << 20;
  int64_t io_threads = 2;
  std::chrono::milliseconds metadata_timeout{2000};
  std::string analytics;
  std::chrono::milliseconds slow_origin{1000};
};

void Declare(SettingsSchema& schema, Settings& settings) {
  schema.Add("VORA_HTTP_LISTEN", &settings.http_listen, "host:port for players and the edge");
  schema.Add("VORA_STORAGE", &settings.storage, "object store: file:///absolute/path or s3://bucket?endpoint=...", {.required = true});
  settings.s3.Declare(schema);
  schema.Add("VORA_METADATA", &settings.metadata, "host:port of the metadata daemon's gRPC");
  schema.Add("VORA_METADATA_TIMEOUT", &settings.metadata_timeout, "how long one question to metadata may take",
             {.min = 100, .max = 30'000});
  http::DeclareLimits(schema, settings.http);
  schema.AddBytes("VORA_GATEWAY_CACHE_BYTES", &settings.cache_bytes, "memory for objects being sent",
                  {.min = 1 << 20, .max = int64_t{1} << 40});
  schema.Add("VORA_GATEWAY_IO_THREADS", &settings.io_threads, "threads that serve connections", {.min = 1, .max = 64});
  schema.Add("VORA_ANALYTICS", &settings.analytics,
             "host:port of the analytics-ingest daemon's gRPC, which gets a record of deliveries; empty: none are made");
  schema.Add("VORA_SLOW_ORIGIN", &settings.slow_origin,
             "a fetch from the object store that takes this long is recorded without a session too", {.min = 1, .max = 60'000});
  SettingOptions on_off;
  on_off.choices = {"off", "on"};
  schema.Add("VORA_PLAYBACK_TOKENS", &settings.tokens, "whether playing needs a token", on_off);
  schema.Add("VORA_PLAYBACK_KEYS", &settings.keys, "id1:secret1,id2:secret2; the first signs, all verify", {.secret = true});
  schema.Add(
      "VORA_EDGE_SECRET", &settings.edge_secret,
      "what the edge proves itself with, at least 16 bytes (several: separated by commas); empty: tokens are checked here, and what needs "
      "one is not cached at the edge",
      {.secret = true});
  schema.Add("VORA_TOKEN_VERDICT_LIFETIME", &settings.verdict_lifetime,
             "for how long the edge may go by a token's verdict, and so by a key that was taken away", {.min = 1000, .max = 3'600'000});
}

StatusOr<std::optional<auth::PlaybackTokens>> MakeTokens(const Settings& settings) {
  if (settings.tokens != "on") return std::optional<auth::PlaybackTokens>();
  if (settings.keys.empty()) return InvalidField("VORA_PLAYBACK_KEYS", "must be set when VORA_PLAYBACK_TOKENS is on");
  auto keys = auth::ParsePlaybackKeys(settings.keys);
  if (!keys.ok()) return Annotate(keys.status(), "VORA_PLAYBACK_KEYS");
  return std::optional<auth::PlaybackTokens>(std::in_place, *std::move(keys));
}

Status Setup(Daemon& daemon, const Settings& settings) {
  GatewayOptions options;
  options.http = settings.http;
  options.http.listen = settings.http_listen;
  options.http.io_threads = static_cast<int>(settings.io_threads);
  options.cache.capacity_bytes = settings.cache_bytes;
  if (!settings.analytics.empty()) options.deliveries.send = AnalyticsSender(settings.analytics);
  options.deliveries.slow_origin = settings.slow_origin;
  VORA_ASSIGN_OR_RETURN(options.tokens, MakeTokens(settings));
  auto secrets = ParseEdgeSecrets(settings.edge_secret);
  if (!secrets.ok()) return Annotate(secrets.status(), "VORA_EDGE_SECRET");
  options.edge = {*std::move(secrets), std::chrono::duration_cast<std::chrono::seconds>(settings.verdict_lifetime)};
  VORA_ASSIGN_OR_RETURN(auto opened, storage::OpenObjectStore(settings.storage, daemon.metrics()));
  const std::shared_ptr<storage::ObjectStore> store = std::move(opened);
  daemon.Keep(store);
  const auto gateway = std::make_shared<Gateway>(std::move(options), *store, MetadataSource(settings.metadata, settings.metadata_timeout),
                                                 Clock::Real(), daemon.metrics());
  daemon.Keep(gateway);
  const std::shared_ptr<grpc::Service> service = MakeGatewayService(gateway->access(), Doors(daemon.authenticator()).gate);
  daemon.Keep(service);
  daemon.AddService(service.get());
  daemon.readiness().AddCheck("store", [store] { return store->Ping(); });
  daemon.OnStop("http", std::chrono::seconds(15), [gateway](std::chrono::milliseconds budget) { gateway->Stop(budget); });
  return gateway->Start();
}

}  // namespace
}  // namespace vora::gateway

int main(int argc, char** argv) {
  // Objects are allocated by the fetching threads and freed by others: with an arena per thread each would keep a share of the freed
  // memory.
  mallopt(M_ARENA_MAX, 2);
  vora::gateway::Settings settings;
  vora::DaemonSpec spec;
  spec.name = "vora-streaming-gateway";
  spec.summary = "Serves playlists, manifests and segments to players; read-only";
  spec.default_grpc = "127.0.0.1:9083";
  spec.default_admin = "127.0.0.1:9183";
  spec.declare = [&](vora::SettingsSchema& schema) { vora::gateway::Declare(schema, settings); };
  spec.setup = [&](vora::Daemon& daemon) { return vora::gateway::Setup(daemon, settings); };
  return vora::RunDaemon(argc, argv, spec);
}
