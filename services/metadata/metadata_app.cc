#include "services/metadata/metadata_app.h"

#include <utility>

#include <grpcpp/impl/service_type.h>

#include "libs/http/server/server.h"
#include "libs/pg/listener.h"
#include "libs/workflow/worker/activity_worker.h"
#include "services/metadata/analytics/analytics_queries.h"
#include "services/metadata/analytics/live_viewers.h"
#include "services/metadata/analytics/viewer_erasure.h"
#include "services/metadata/api/grpc_services.h"
#include "services/metadata/api/rest.h"
#include "services/metadata/api/rest_webhooks.h"
#include "services/metadata/imports/import_operations.h"
#include "services/metadata/imports/scanner.h"
#include "services/metadata/imports/source_operations.h"
#include "services/metadata/ladders/ladder_operations.h"
#include "services/metadata/maintenance.h"
#include "services/metadata/processing/outbox_relay.h"
#include "services/metadata/processing/record_activities.h"
#include "services/metadata/processing/record_repo.h"
#include "services/metadata/rows/store.h"
#include "services/metadata/videos/change_channel.h"
#include "services/metadata/videos/encode_repo.h"
#include "services/metadata/videos/presentation_repo.h"
#include "services/metadata/videos/request_key_repo.h"
#include "services/metadata/videos/video_facts_repo.h"
#include "services/metadata/videos/video_operations.h"
#include "services/metadata/videos/watch_hub.h"
#include "services/metadata/webhooks/subscription_repo.h"
#include "services/metadata/webhooks/webhook_dispatcher.h"
#include "services/metadata/webhooks/webhook_repo.h"
#include "services/metadata/webhooks/webhook_sender.h"

namespace vora::metadata {
namespace {

pg::DatabaseOptions DatabaseOf(const AppOptions& options) {
  pg::DatabaseOptions database;
  database.url = options.database_url;
  database.max_connections = options.database_connections;
  return database;
}

http::ServerOptions HttpOf(const AppOptions& options) {
  http::ServerOptions http = options.http;
  http.listen = options.http_listen;
  http.private_params = {"viewer_id", "token"};
  return http;
}

workflow::ActivityWorkerOptions WorkerOf(const AppOptions& options) {
  workflow::ActivityWorkerOptions worker;
  worker.orchestrator = options.orchestrator;
  worker.queue = kActivityQueue;
  worker.slots = options.activity_slots;
  return worker;
}

// The edge keeps what does not say otherwise.
void SetDefaultCaching(const http::Request&, http::Response& head) {
  if (!head.headers.Has("Cache-Control")) head.headers.Set("Cache-Control", "no-store");
}

}  // namespace

Status MigrateDatabase(const AppOptions& options, obs::Metrics& metrics) { return Store(DatabaseOf(options), metrics).Open(); }

struct MetadataApp::Impl {
  Impl(AppOptions given, const Authorization& authorization, obs::Metrics& metrics, std::function<void(const Status&)> fatal)
      : options(std::move(given)),
        store(DatabaseOf(options), metrics),
        videos(store, options.public_url),
        records(store, metrics, options.replaced_grace),
        encodes(store, options.replaced_grace),
        outbox(store),
        progress(store),
        ladders(store),
        ladder_operations(ladders, videos),
        request_keys(store),
        presentations(store),
        orchestrator(options.orchestrator),
        uploads(options.upload),
        operations(videos, uploads,
                   [this](const std::string& id, int priority) -> Status {
                     VORA_RETURN_IF_ERROR(orchestrator.SetVideoPriority(id, priority));
                     VORA_ASSIGN_OR_RETURN(const std::string encode, encodes.OpenRun(id));
                     return encode.empty() ? absl::OkStatus() : orchestrator.SetVideoPriority(encode, priority);
                   }),
        imports(store, options.public_url),
        import_operations(imports, *options.sources, options.import_allow_private),
        scans(store),
        scanner(scans, *options.sources),
        source_operations(imports, scans, *options.sources, [this] { scanner.Wake(); }),
        fleet(options.fleet, orchestrator, [this] { return store.Check(); }),
        facts(store),
        analytics_reader(options.clickhouse),
        live_reader(options.clickhouse, {.at_once = 1}),
        analytics(facts, analytics_reader, authorization.enabled ? Tenants::kSeparate : Tenants::kOne),
        live(live_reader, authorization.enabled ? &facts : nullptr),
        erasure(options.analytics, analytics_reader),
        channel(store),
        hub({.load = [this](const std::string& id) { return videos.GetAny(id); },
             .tenant_of = [this](const std::string& id) { return videos.TenantOf(id); },
             .changes_after = [this](int64_t after, int limit) { return videos.ChangesAfter(after, limit); },
             .newest_version = [this] { return videos.NewestVersion(); },
             .announce = [this](const std::vector<std::string>& ids) { channel.Announce(ids); }}),
        webhooks(store),
        subscriptions(store),
        webhook_sender(options.webhook_allow_private),
        webhook_dispatcher(webhooks, subscriptions, webhook_sender, metrics),
        relay(outbox, orchestrator),
        follower(progress, orchestrator, options.progress),
        maintenance(
            {store, videos, outbox, ladders, request_keys, encodes, hub, options.ladder}, metrics, [this] { relay.Wake(); },
            std::move(fatal)),
        worker(WorkerOf(options), metrics),
        http(HttpOf(options), metrics),
        routes(http, request_keys),
        video_service(MakeVideoService(operations, import_operations, videos, encodes, hub, authorization.rpc)),
        source_service(MakeSourceService(source_operations, authorization.rpc)),
        ladder_service(MakeLadderService(ladder_operations, authorization.rpc)),
        event_service(MakeEventService(subscriptions, import_operations, authorization.rpc)),
        fleet_service(MakeFleetService(fleet, authorization.rpc)),
        playback_service(MakePlaybackService(presentations, authorization.rpc)),
        upload_listener(MakeUploadListener(operations, authorization.rpc)),
        analytics_service(MakeAnalyticsService(analytics, erasure, authorization.rpc)) {
    // Before any thread runs, since the signals are read without a lock.
    store.SetSignals({.video_changed = [this](const std::string& id) { hub.Changed(id); }, .outbox_added = [this] { relay.Wake(); }});
    http.OnResponse(SetDefaultCaching);
    http.SetAuthorizer(authorization.http);
    AddRecordActivities(worker, records);
    AddVideoRoutes(routes, operations, import_operations, videos);
    AddEncodeRoutes(routes, encodes);
    AddSourceRoutes(routes, source_operations);
    AddEventRoutes(routes, videos, hub, options.sse_heartbeat, options.sse_lifetime);
    AddHistoryRoutes(routes, videos, orchestrator);
    AddControlRoutes(routes, videos, operations, orchestrator);
    AddSettingsRoutes(routes, orchestrator);
    AddLadderRoutes(routes, ladder_operations);
    AddConfigRoutes(routes, options.upload_url, options.playback_tokens.has_value(), authorization.enabled);
    AddPlaybackRoutes(routes, videos, {options.public_url, options.playback_tokens});
    AddFleetRoutes(routes, fleet);
    AddAnalyticsRoutes(routes, analytics, live, erasure, !options.clickhouse.url.empty(), options.sse_heartbeat);
    AddWebhookRoutes(routes, webhooks, webhook_sender, webhook_dispatcher);
    AddOpenApiRoute(routes);
    AddConsoleRoutes(http, options.console_dir);
  }

  // Whoever is called stands above who calls: what is destroyed first is what could still call the rest.
  const AppOptions options;
  Store store;
  VideoRepo videos;
  RecordRepo records;
  EncodeRepo encodes;
  OutboxRepo outbox;
  ProgressRepo progress;
  LadderRepo ladders;
  LadderOperations ladder_operations;
  RequestKeyRepo request_keys;
  PresentationRepo presentations;
  OrchestratorClient orchestrator;
  UploadClient uploads;
  VideoOperations operations;
  ImportRepo imports;
  ImportOperations import_operations;
  ScanRepo scans;
  Scanner scanner;
  SourceOperations source_operations;
  FleetView fleet;
  VideoFactsRepo facts;
  AnalyticsReader analytics_reader, live_reader;
  AnalyticsQueries analytics;
  LiveViewers live;
  ViewerErasure erasure;
  ChangeChannel channel;
  WatchHub hub;
  WebhookRepo webhooks;
  SubscriptionRepo subscriptions;
  WebhookSender webhook_sender;
  WebhookDispatcher webhook_dispatcher;
  OutboxRelay relay;
  ProgressFollower follower;
  Maintenance maintenance;
  workflow::ActivityWorker worker;
  http::Server http;
  ApiRoutes routes;
  std::unique_ptr<grpc::Service> video_service, source_service, ladder_service, event_service, fleet_service, playback_service,
      upload_listener, analytics_service;
  std::unique_ptr<pg::Listener> listener;
  bool stopped = false;
};

MetadataApp::MetadataApp(AppOptions options, Authorization authorization, obs::Metrics& metrics, std::function<void(const Status&)> fatal)
    : impl_(new Impl(std::move(options), authorization, metrics, std::move(fatal))) {}

MetadataApp::~MetadataApp() { Stop(std::chrono::milliseconds(1000)); }

Status MetadataApp::Start() {
  Impl& app = *impl_;
  // One try at once: where the database is there, the daemon is ready when this returns.
  VORA_RETURN_IF_ERROR(app.maintenance.Begin());
  app.maintenance.Start();
  app.hub.Start();
  app.live.Start();
  app.listener =
      std::make_unique<pg::Listener>(app.options.database_url, std::vector<std::string>{ChangeChannel::kName},
                                     [&app](const std::string&, const std::string& payload) { app.channel.Receive(payload, app.hub); });
  app.relay.Start();
  app.webhook_dispatcher.Start();
  app.follower.Start();
  app.worker.Start();
  app.scanner.Start();
  // Last: from here on requests come, and everything that they reach is running.
  return app.http.Start();
}

void MetadataApp::Stop(std::chrono::milliseconds budget) {
  Impl& app = *impl_;
  if (std::exchange(app.stopped, true)) return;
  // Streams end first: they would keep HTTP and gRPC waiting for the whole budget.
  // The listener calls the hub, so it goes before it.
  app.listener.reset();
  app.hub.Stop();
  // Interrupted first, since Stop waits for the poller's question to ClickHouse.
  app.live_reader.Interrupt();
  app.live.Stop();
  app.http.Shutdown(budget);
  app.worker.Stop(budget);
  app.scanner.Stop();
  app.follower.Stop();
  app.relay.Stop();
  app.webhook_dispatcher.Stop();
  app.maintenance.Stop();
  app.analytics_reader.Interrupt();
}

std::vector<grpc::Service*> MetadataApp::services() {
  return {impl_->video_service.get(), impl_->source_service.get(),   impl_->ladder_service.get(),  impl_->event_service.get(),
          impl_->fleet_service.get(), impl_->playback_service.get(), impl_->upload_listener.get(), impl_->analytics_service.get()};
}

Status MetadataApp::Ready() { return impl_->store.Check(); }

int MetadataApp::http_port() const { return impl_->http.port(); }

}  // namespace vora::metadata
