#pragma once

// All parts of the metadata daemon and the order in which they start and stop.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/auth/playback_token.h"
#include "libs/clickhouse/client.h"
#include "libs/core/status.h"
#include "libs/daemon/authorization.h"
#include "libs/http/server/server.h"
#include "libs/obs/metrics.h"
#include "libs/sources/sources.h"
#include "services/metadata/api/api_routes.h"
#include "services/metadata/processing/fleet_view.h"
#include "services/metadata/processing/progress_follower.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace grpc {
class Service;
}

namespace vora::metadata {

struct AppOptions {
  std::string database_url;
  int database_connections = 16;
  http::ServerOptions http;  // the limits; the rest comes from the settings here
  std::string http_listen = "127.0.0.1:8082";
  std::string orchestrator = "127.0.0.1:9085";
  std::string upload = "127.0.0.1:9081";
  std::string public_url = "http://127.0.0.1:8080";         // no trailing slash
  std::string console_dir;                                  // empty: no console
  std::string upload_url = "http://127.0.0.1:8081/files/";  // tus endpoint as browsers reach it
  std::optional<auth::PlaybackTokens> playback_tokens;      // absent: everybody may play everything
  std::chrono::milliseconds replaced_grace = std::chrono::hours(24);
  std::optional<media::v1::Ladder> ladder;  // of new videos; absent: what the shipped one does
  ProgressOptions progress;
  std::chrono::milliseconds sse_heartbeat{15000};
  std::chrono::milliseconds sse_lifetime = kStreamLifetime;  // of the streams of videos
  int activity_slots = 8;
  std::vector<FleetDaemon> fleet;  // whose health is shown
  // What analytics are read from; without a url they are not configured. The daemon needs it for nothing else.
  clickhouse::Options clickhouse = [] {
    clickhouse::Options none;
    none.url.clear();
    none.timeout = std::chrono::seconds(5);
    return none;
  }();
  std::shared_ptr<const sources::Sources> sources = std::make_shared<sources::Sources>();  // that files are imported from
  bool import_allow_private = false;         // whether URLs of private addresses may be imported
  bool webhook_allow_private = false;        // whether webhooks may go to private addresses and without TLS
  std::string analytics = "127.0.0.1:9084";  // ingest's gRPC, for erasure; empty: none
};

// Brings the schema in PostgreSQL up to date. UNAVAILABLE while the database cannot be reached.
Status MigrateDatabase(const AppOptions& options, obs::Metrics& metrics);

class MetadataApp {
 public:
  // `fatal` is called when the daemon cannot go on, e.g. the schema is of a newer version; any thread.
  MetadataApp(AppOptions options, Authorization authorization, obs::Metrics& metrics, std::function<void(const Status&)> fatal);
  ~MetadataApp();  // Stop
  // Starts all but gRPC. A database or orchestrator that is away does not fail it: they are waited for in the background.
  Status Start();
  // Ends streams and loops, hands back activities, then HTTP. Safe to call twice.
  void Stop(std::chrono::milliseconds budget);
  // Valid from construction on.
  std::vector<grpc::Service*> services();
  // OK while requests can be served: the database answers and has the schema.
  Status Ready();
  int http_port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::metadata
