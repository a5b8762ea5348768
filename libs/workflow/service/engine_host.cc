#include "libs/workflow/service/engine_host.h"

#include <grpcpp/impl/service_type.h>

#include "libs/pg/database.h"
#include "libs/workflow/engine/wakeups.h"
#include "libs/workflow/service/dispatcher.h"
#include "libs/workflow/service/result_waiters.h"
#include "libs/workflow/service/services.h"
#include "libs/workflow/service/worker_sessions.h"
#include "libs/workflow/store/migrations.h"

namespace vora::workflow {

struct EngineHost::Impl {
  const Registry registry;
  pg::Database db;
  Wakeups wakeups;
  Engine engine;
  Dispatcher dispatcher;
  ResultWaiters waiters;
  WorkerSessions sessions;
  std::unique_ptr<grpc::Service> workflow_service, activity_service;
  Passes passes;

  Impl(const EngineHostOptions& options, Registry r, obs::Metrics& metrics)
      : registry(std::move(r)),
        db({.url = options.database_url, .max_connections = options.max_connections}, metrics),
        wakeups(db, options.database_url),
        engine(db, registry, wakeups, metrics, options.engine),
        dispatcher(engine),
        waiters(engine),
        sessions(engine, options.sessions),
        workflow_service(MakeWorkflowService(engine, waiters, options.authorizer)),
        activity_service(MakeActivityService(engine, dispatcher, sessions, options.authorizer)),
        passes(engine, options.passes) {
    // Now, as both exist, and before wakeups.Start: it is read without a lock afterwards.
    engine.SetPollSource(&dispatcher);
    wakeups.SetReceiver({[this](const std::string& queue) { dispatcher.Wake(queue); },
                         [this](const std::string& run_id) { waiters.RunClosed(run_id); },
                         [this](std::chrono::microseconds delay) { passes.DueAfter(delay); },
                         [this](const std::string& worker_id, const std::string& token) { sessions.CancelRequested(worker_id, token); }});
  }

  // The passes first: they wake the others. Wake-ups last: the engine posts to them while calls are in flight.
  void Stop() {
    passes.Stop();
    sessions.Stop();
    dispatcher.Stop();
    waiters.Stop();
    wakeups.Stop();
  }
  ~Impl() { Stop(); }
};

EngineHost::EngineHost(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EngineHost::~EngineHost() = default;

StatusOr<std::unique_ptr<EngineHost>> EngineHost::Start(EngineHostOptions options, Registry registry, obs::Metrics& metrics) {
  auto impl = std::make_unique<Impl>(options, std::move(registry), metrics);
  VORA_RETURN_IF_ERROR(pg::Migrate(impl->db, "workflow", Migrations()));
  // The schema first: without it the passes would only log errors. Replicas that start together wait for each other in Migrate.
  impl->wakeups.Start();
  impl->passes.Start();
  impl->sessions.Start();
  return std::unique_ptr<EngineHost>(new EngineHost(std::move(impl)));
}

Status EngineHost::Migrate(const std::string& database_url, obs::Metrics& metrics) {
  pg::DatabaseOptions options;
  options.url = database_url;
  pg::Database db(std::move(options), metrics);
  return pg::Migrate(db, "workflow", Migrations());
}

Engine& EngineHost::engine() { return impl_->engine; }
grpc::Service* EngineHost::workflow_service() { return impl_->workflow_service.get(); }
grpc::Service* EngineHost::activity_service() { return impl_->activity_service.get(); }
Status EngineHost::Ping() { return impl_->db.Ping(); }
void EngineHost::Stop() { impl_->Stop(); }

}  // namespace vora::workflow
