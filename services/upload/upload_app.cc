#include "services/upload/upload_app.h"

#include <grpcpp/impl/service_type.h>

#include <algorithm>

#include "services/upload/announce/announcer.h"
#include "services/upload/store_probe.h"
#include "services/upload/sweeper.h"
#include "services/upload/tus/tus_handler.h"
#include "services/upload/upload_grpc.h"

namespace vora::upload {
namespace {

constexpr size_t kIdleBuffers = 4;
constexpr size_t kHashThreads = 2;
constexpr int kSpareBlockingThreads = 16;  // for requests that hold no session: HEAD, POST, DELETE
// Sessions are closed by then: only answers are outstanding, and clients that stopped sending get none.
constexpr std::chrono::milliseconds kAnswerBudget{2000};
constexpr std::chrono::milliseconds kPatience{10'000};

std::string WithoutSlash(std::string text) {
  while (!text.empty() && text.back() == '/') text.pop_back();
  return text;
}

http::ServerOptions HttpOptions(const UploadSettings& settings) {
  http::ServerOptions options = settings.http;
  options.listen = settings.http_listen;
  options.idle_timeout = settings.idle_timeout;
  // Each request that receives may hold one while the store is slow, and the others must not wait for them.
  options.blocking_threads = static_cast<int>(settings.max_active) + kSpareBlockingThreads;
  return options;
}

TusOptions HandlerOptions(const UploadSettings& settings) {
  return {WithoutSlash(settings.base_path), WithoutSlash(settings.public_url), settings.cors_origins,
          static_cast<int>(settings.max_active)};
}

Sweeper::Options SweepOptions(const UploadSettings& settings) {
  Sweeper::Options options;
  options.interval = settings.sweep_interval;
  options.remember = settings.expiry;
  return options;
}

AnnouncerOptions AnnounceOptions(const UploadSettings& settings) {
  AnnouncerOptions options;
  options.listeners = settings.listeners;
  return options;
}

}  // namespace

struct UploadApp::Impl {
  Impl(const UploadSettings& settings, storage::ObjectStore& store, obs::Metrics& registry, Authorization authorization, const Clock& clock)
      : metrics(registry),
        repo(store, clock),
        buffers(static_cast<size_t>(kPartSize), kIdleBuffers),
        part_pool("upload-part", static_cast<size_t>(settings.part_threads), static_cast<size_t>(settings.max_active)),
        hash_pool("upload-hash", kHashThreads, static_cast<size_t>(settings.part_threads)),
        context{repo,
                buffers,
                part_pool,
                hash_pool,
                metrics,
                settings.max_bytes,
                settings.checkpoint_bytes,
                settings.expiry,
                settings.store_retry},
        announcer(repo, metrics, AnnounceOptions(settings)),
        finisher(repo, metrics, Announce(settings)),
        engine(context, finisher, kPatience),
        handler(engine, metrics, HandlerOptions(settings)),
        grpc(MakeUploadGrpcService(engine, std::move(authorization.rpc))),
        sweeper(repo, finisher, SweepOptions(settings)),
        probe(store, settings.storage_allow_unsafe, registry),
        server(HttpOptions(settings), registry) {
    server.SetAuthorizer(std::move(authorization.http));
  }

  std::function<void(const std::string&)> Announce(const UploadSettings& settings) {
    if (settings.listeners.empty()) return nullptr;
    return [this](const std::string& id) { announcer.Notify(id); };
  }

  UploadMetrics metrics;
  UploadRepo repo;
  BufferPool buffers;
  ThreadPool part_pool;
  ThreadPool hash_pool;
  SessionContext context;
  Announcer announcer;
  Finisher finisher;
  UploadEngine engine;
  TusHandler handler;
  std::unique_ptr<grpc::Service> grpc;
  Sweeper sweeper;
  StoreProbe probe;
  http::Server server;
  bool stopped = false;
};

UploadApp::UploadApp(const UploadSettings& settings, storage::ObjectStore& store, obs::Metrics& metrics, Authorization authorization,
                     const Clock& clock)
    : impl_(std::make_unique<Impl>(settings, store, metrics, std::move(authorization), clock)) {
  impl_->handler.Mount(impl_->server);
}

UploadApp::~UploadApp() { Stop(std::chrono::milliseconds(5000)); }

Status UploadApp::Start(std::function<void(Status)> on_fatal) {
  VORA_RETURN_IF_ERROR(impl_->probe.Start(std::chrono::milliseconds(1000), std::move(on_fatal)));
  VORA_RETURN_IF_ERROR(Annotate(impl_->server.Start(), "VORA_HTTP_LISTEN"));
  impl_->sweeper.Start();
  impl_->announcer.Start([this](Versioned current) { return impl_->finisher.Finish(std::move(current)); });
  return {};
}

void UploadApp::Stop(std::chrono::milliseconds budget) {
  if (impl_->stopped) return;
  impl_->stopped = true;
  // First, so that a request that waits for bytes keeps what it has even if it never wakes up again.
  impl_->engine.CloseAll();
  impl_->server.Shutdown(std::min(budget, kAnswerBudget));
  impl_->sweeper.Stop();
  impl_->announcer.Stop();
  impl_->probe.Stop();
  // The pools after all who hand work to them.
  impl_->part_pool.Stop();
  impl_->hash_pool.Stop();
}

int UploadApp::http_port() const { return impl_->server.port(); }
grpc::Service* UploadApp::grpc_service() { return impl_->grpc.get(); }
Status UploadApp::StoreHealth() { return impl_->probe.Last(); }
Status UploadApp::Sweep() { return impl_->sweeper.SweepOnce(false); }

}  // namespace vora::upload
