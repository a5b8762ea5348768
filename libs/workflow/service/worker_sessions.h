#pragma once

// The workers that are connected to this process: their reports are stored together, what they should stop is told at once, and who breaks
// off is looked after. One owned thread; no call waits in a thread of its own.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "libs/workflow/engine/engine.h"

namespace vora::workflow {

struct WorkerSessionOptions {
  // Without reports, and the least between two looks.
  std::chrono::milliseconds look_interval{700}, least_pause{300};
  // Workers report about so often; those that report together do within so little. A report never waits for longer than the difference
  // between `round` and `least_pause`.
  std::chrono::milliseconds round{650}, gathering{50};
  // After a start or an outage of the database no worker counts as dead for this long: they are finding their way back.
  std::chrono::milliseconds lease_grace{5000};
};

class WorkerSessions {
 public:
  using Renewed = std::function<void(Status, v1::RenewWorkerResponse)>;
  using Tell = std::function<void(const v1::WorkerOrders&)>;
  struct Watch;

  WorkerSessions(Engine& engine, WorkerSessionOptions options);
  ~WorkerSessions();  // Stop
  void Start();
  void Stop();

  // `done` is called exactly once, when the report is stored; from the sessions' thread.
  void Renew(v1::RenewWorkerRequest request, Renewed done);
  // `tell` is called for every order, from any thread; it must not block. `end`: the process goes down. A call that is under way may still
  // end after Forget.
  std::shared_ptr<Watch> Add(const std::string& worker_id, Tell tell, std::function<void()> end);
  // The stream has ended. Unless this process goes down, that is a sign of the worker's death.
  void Forget(const std::shared_ptr<Watch>& watch);
  void CancelRequested(const std::string& worker_id, const std::string& task_token);
  void ReleaseRequested(const std::string& worker_id, const std::string& task_token);

 private:
  void Order(const std::string& worker_id, const v1::WorkerOrders& orders);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::workflow
