#include "libs/workflow/testing/test_orchestrator.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "libs/workflow/definition/history.h"
#include "libs/workflow/testing/script_workflow.h"

namespace vora::workflow::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

template <class T>
T Must(StatusOr<T> value) {
  if (!value.ok()) {
    std::fprintf(stderr, "%s\n", ToText(value.status()).c_str());
    std::abort();
  }
  return std::move(value).value();
}

}  // namespace

Registry TestOrchestrator::DefaultRegistry() { return ScriptRegistry(); }

PassOptions TestOrchestrator::QuickPasses() {
  PassOptions options;
  options.due_interval = milliseconds{20};
  options.lease_grace = milliseconds{0};
  options.parked_interval = milliseconds{50};
  options.metrics_interval = milliseconds{50};
  options.retention_interval = milliseconds{50};
  return options;
}

TestOrchestrator::TestOrchestrator(std::string database_url, Registry registry, PassOptions passes, rpc::Authorizer authorizer,
                                   EngineOptions engine, const std::string& listen) {
  EngineHostOptions options;
  options.database_url = std::move(database_url);
  options.passes = passes;
  options.engine = std::move(engine);
  options.sessions.lease_grace = passes.lease_grace;
  options.progress = {milliseconds{20}, milliseconds{50}};
  options.authorizer = std::move(authorizer);
  host_ = Must(EngineHost::Start(options, std::move(registry), metrics_));
  readiness_.SetStarted();
  server_ = Must(rpc::Server::Start({.listen = listen}, {host_->workflow_service(), host_->activity_service()}, readiness_, metrics_));
}

TestOrchestrator::~TestOrchestrator() {
  host_->Stop();
  server_->Shutdown(milliseconds{2000});
}

std::string TestOrchestrator::address() const { return "127.0.0.1:" + std::to_string(server_->port()); }

std::string StartScript(Engine& engine, const std::string& id, const std::string& steps) {
  v1::StartWorkflowRequest request;
  request.set_workflow_id(id);
  request.set_type("Script");
  request.set_input("{\"steps\": [" + steps + "]}");
  return Must(engine.Start(request)).run_id();
}

std::vector<v1::ActivityTask> ClaimNow(Engine& engine, int max_tasks, const std::string& queue) {
  v1::PollActivitiesRequest request;
  request.set_queue(queue);
  request.set_worker_id("tester");
  request.set_max_tasks(max_tasks);
  return Must(engine.Claim(request));
}

v1::ActivityTask ClaimOne(Engine& engine, const std::string& queue, const std::string& worker_id) {
  v1::PollActivitiesRequest request;
  request.set_queue(queue);
  request.set_worker_id(worker_id);
  request.set_max_tasks(1);
  v1::ActivityTask task;
  const bool claimed = Eventually([&] {
    auto tasks = Must(engine.Claim(request));
    if (tasks.empty()) return false;
    task = std::move(tasks[0]);
    return true;
  });
  if (!claimed) {
    std::fprintf(stderr, "no task in queue %s\n", queue.c_str());
    std::abort();
  }
  return task;
}

Status Complete(Engine& engine, const v1::ActivityTask& task, const std::string& result) {
  v1::CompleteActivityRequest request;
  request.set_task_token(task.task_token());
  request.set_result(result);
  return engine.Complete(request);
}

StatusOr<bool> Fail(Engine& engine, const v1::ActivityTask& task, const std::string& code, bool non_retryable) {
  v1::FailActivityRequest request;
  request.set_task_token(task.task_token());
  request.mutable_failure()->set_code(code);
  request.mutable_failure()->set_message("failed by the test");
  request.mutable_failure()->set_non_retryable(non_retryable);
  return engine.Fail(request);
}

v1::WorkflowInfo WaitClosed(Engine& engine, const std::string& id) {
  v1::DescribeWorkflowRequest request;
  request.set_workflow_id(id);
  v1::WorkflowInfo info;
  const bool closed = Eventually([&] {
    const auto described = engine.Describe(request);
    if (!described.ok()) return false;
    info = described->info();
    return info.status() != v1::WORKFLOW_STATUS_RUNNING;
  });
  if (!closed) {
    std::fprintf(stderr, "workflow %s stays open: %s\n", id.c_str(), info.ShortDebugString().c_str());
    std::abort();
  }
  return info;
}

std::vector<v1::HistoryEvent> History(Engine& engine, const std::string& id, const std::string& run_id) {
  v1::GetHistoryRequest request;
  request.set_workflow_id(id);
  request.set_run_id(run_id);
  std::vector<v1::HistoryEvent> events;
  while (true) {
    const auto page = Must(engine.GetHistory(request));
    for (const auto& event : page.events()) events.push_back(event);
    if (!page.more()) return events;
    request.set_after_event_id(events.back().event_id());
  }
}

std::vector<std::string> EventNames(const std::vector<v1::HistoryEvent>& events) {
  std::vector<std::string> names;
  for (const auto& event : events) names.push_back(EventTypeName(event.type()));
  return names;
}

}  // namespace vora::workflow::testing
