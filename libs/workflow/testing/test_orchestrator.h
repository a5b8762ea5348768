#pragma once

// A whole orchestrator in this process: engine over a database of the private PostgreSQL, and a gRPC server on a free port.

#include <memory>
#include <string>
#include <vector>

#include "libs/obs/metrics.h"
#include "libs/rpc/server.h"
#include "libs/run/lifecycle.h"
#include "libs/testing/eventually.h"
#include "libs/workflow/service/engine_host.h"
#include "vora/workflow/v1/workflow.pb.h"

namespace vora::workflow::testing {

class TestOrchestrator {
 public:
  // No lease grace and a looks at deadlines every 20 ms, unless `passes` says otherwise. Aborts when it cannot start.
  explicit TestOrchestrator(std::string database_url, Registry registry = DefaultRegistry(), PassOptions passes = QuickPasses(),
                            rpc::Authorizer authorizer = rpc::Authorizer::Open(), EngineOptions engine = {},
                            const std::string& listen = "127.0.0.1:0");
  ~TestOrchestrator();
  static Registry DefaultRegistry();
  static PassOptions QuickPasses();

  Engine& engine() { return host_->engine(); }
  std::string address() const;
  obs::Metrics& metrics() { return metrics_; }

 private:
  obs::Metrics metrics_;
  Readiness readiness_;
  std::unique_ptr<EngineHost> host_;
  std::unique_ptr<rpc::Server> server_;
};

// `{"steps": [steps]}`, started under `id`; the run's id. Aborts on errors.
std::string StartScript(Engine& engine, const std::string& id, const std::string& steps);
// Claims one task of queue `test`, waiting up to 10 s for it. Aborts when there is none.
v1::ActivityTask ClaimOne(Engine& engine, const std::string& queue = "test", const std::string& worker_id = "tester");
std::vector<v1::ActivityTask> ClaimNow(Engine& engine, int max_tasks, const std::string& queue = "test");
Status Complete(Engine& engine, const v1::ActivityTask& task, const std::string& result = "{}");
StatusOr<bool> Fail(Engine& engine, const v1::ActivityTask& task, const std::string& code, bool non_retryable = false);
// The closed run, waiting up to 30 s. Aborts when it stays open.
v1::WorkflowInfo WaitClosed(Engine& engine, const std::string& id);
std::vector<v1::HistoryEvent> History(Engine& engine, const std::string& id, const std::string& run_id = "");
// `ACTIVITY_TASK_SCHEDULED` and so on, in order.
std::vector<std::string> EventNames(const std::vector<v1::HistoryEvent>& events);

}  // namespace vora::workflow::testing
