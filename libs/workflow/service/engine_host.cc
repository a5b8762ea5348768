#include "libs/workflow/service/engine_host.h"

#include <grpcpp/impl/service_type.h>

#include "libs/log/log.h"
#include "libs/pg/database.h"
#include "libs/workflow/engine/replay_check.h"
#include "libs/workflow/engine/wakeups.h"
#include "libs/workflow/service/dispatcher.h"
#include "libs/workflow/service/progress_feed.h"
#include "libs/workflow/service/report_streams.h"
#include "libs/workflow/service/result_waiters.h"
#include "libs/workflow/service/services.h"
#include "libs/workflow/service/worker_sessions.h"
#include "libs/workflow/store/migrations.h"

namespace vora::workflow {
namespace {

// The engine's statements take arrays whose lengths the planner cannot know, on tables that grow and shrink by the second: made anew for
// each call, a plan costs more than what it is for, and one that was made while a table was empty reads it from end to end later on.
std::map<std::string, std::string> PlanOnce() { return {{"plan_cache_mode", "force_generic_plan"}, {"enable_seqscan", "off"}}; }

}  // namespace

struct EngineHost::Impl {
  const Registry registry;
  pg::Database db;
  Wakeups wakeups;
  Engine engine;
  Dispatcher dispatcher;
  ResultWaiters waiters;
  WorkerSessions sessions;
  ProgressFeed progress;
  ReportStreams reports;
  std::unique_ptr<grpc::Service> workflow_service, activity_service;
  Passes passes;

  Impl(const EngineHostOptions& options, Registry r, obs::Metrics& metrics)
      : registry(std::move(r)),
        db({.url = options.database_url, .max_connections = options.max_connections, .settings = PlanOnce()}, metrics),
        wakeups(db, options.database_url),
        engine(db, registry, wakeups, metrics, options.engine),
        dispatcher(engine),
        waiters(engine),
        sessions(engine, options.sessions),
        progress(engine, options.progress),
        reports(engine, dispatcher),
        workflow_service(MakeWorkflowService(engine, waiters, progress, options.authorizer)),
        activity_service(MakeActivityService(engine, dispatcher, sessions, reports, options.authorizer)),
        passes(engine, options.passes) {
    // Now, as both exist, and before wakeups.Start: it is read without a lock afterwards.
    engine.SetPollSource(&dispatcher);
    wakeups.SetReceiver({[this](const std::string& queue) { dispatcher.Wake(queue); },
                         [this](const std::string& run_id, const v1::WorkflowInfo* run) {
                           engine.RunClosed(run_id);
                           waiters.RunClosed(run_id, run);
                           progress.RunClosed(run_id);
                         },
                         [this](std::chrono::microseconds delay) { passes.DueAfter(delay); }, [this] { progress.WorkBegan(); },
                         [this](const std::string& worker_id, const std::string& token) { sessions.CancelRequested(worker_id, token); },
                         [this](const std::string& worker_id, const std::string& token) { sessions.ReleaseRequested(worker_id, token); }});
  }

  // The passes first: they wake the others. Wake-ups last: the engine posts to them while calls are in flight.
  void Stop() {
    passes.Stop();
    sessions.Stop();
    progress.Stop();
    reports.Stop();
    dispatcher.Stop();
    waiters.Stop();
    wakeups.Stop();
  }
  ~Impl() {
    Stop();
    engine.Stop();
  }
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
  impl->progress.Start();
  return std::unique_ptr<EngineHost>(new EngineHost(std::move(impl)));
}

Status EngineHost::Migrate(const std::string& database_url, obs::Metrics& metrics) {
  pg::DatabaseOptions options;
  options.url = database_url;
  pg::Database db(std::move(options), metrics);
  return pg::Migrate(db, "workflow", Migrations());
}

Status EngineHost::CheckReplay(const std::string& database_url, const Registry& registry, obs::Metrics& metrics) {
  pg::DatabaseOptions options;
  options.url = database_url;
  pg::Database db(std::move(options), metrics);
  VORA_ASSIGN_OR_RETURN(const ReplayCheck check, CheckOpenRuns(db, registry, [](const RunInfo& run, const std::string& why, bool parked) {
                          log::Error(parked ? "workflow stays parked with this program" : "workflow would be parked by this program",
                                     {{"workflow_id", run.workflow_id}, {"run_id", run.run_id}, {"type", run.type}, {"reason", why}});
                        }));
  log::Info("open workflows replayed", {{"checked", check.checked}, {"would_park", check.would_park}, {"stay_parked", check.stay_parked}});
  if (check.would_park == 0) return {};
  return FailedPrecondition(
      std::to_string(check.would_park) + " of " + std::to_string(check.checked) +
      " open workflows would be parked by this program; the log names them. Let them finish before the upgrade, or use a "
      "program that agrees with them");
}

Engine& EngineHost::engine() { return impl_->engine; }
grpc::Service* EngineHost::workflow_service() { return impl_->workflow_service.get(); }
grpc::Service* EngineHost::activity_service() { return impl_->activity_service.get(); }
Status EngineHost::Ping() { return impl_->db.Ping(); }
void EngineHost::Stop() { impl_->Stop(); }

}  // namespace vora::workflow
