#pragma once

// Keeps the lease of a worker by its reports, which also carry checkpoints and progress, and hears what the worker should stop.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "libs/run/periodic.h"
#include "libs/workflow/worker/orchestrator_link_internal.h"

namespace vora::workflow {

using SteadyTime = std::chrono::steady_clock::time_point;

class WorkerLease {
 public:
  struct Worker {
    std::function<v1::WorkerStatus()> status;
    std::function<void(v1::RenewWorkerRequest& report)> name_tasks;  // all that are held
    std::function<void(const v1::RenewWorkerRequest& report, const v1::RenewWorkerResponse& answer)> answered;
    std::function<void(const v1::WorkerOrders& orders)> ordered;
  };
  // The functions are called from threads of this object.
  WorkerLease(OrchestratorLink& link, std::string worker_id, std::string queue, Worker worker);
  ~WorkerLease();
  void Start();
  // A checkpoint is worth telling soon.
  void Wake() { reports_.Wake(); }
  // When the last report was sent that the orchestrator has answered; the epoch before the first.
  SteadyTime last_good() const { return last_good_; }
  // After the link was replaced.
  void Reconnect();
  // Ends the reports with one that the worker leaves: what it may still hold, such as tasks of an answer that never arrived, goes back into
  // the queue at once. Best effort, for at most `budget`. Does nothing when it was not started, or has left.
  void Leave(std::chrono::milliseconds budget);

 private:
  std::chrono::milliseconds Report();
  void WatchLoop();
  bool SayGoodbye(std::chrono::milliseconds timeout);

  OrchestratorLink& link_;
  const std::string worker_id_, queue_;
  const Worker worker_;
  std::atomic<SteadyTime> last_good_{SteadyTime{}};
  // Only touched by the thread of the reports.
  SteadyTime last_sent_{};
  int missed_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool started_ = false, stopping_ = false;
  grpc::ClientContext* watch_ = nullptr;  // of the stream that is open
  Periodic reports_;
  std::thread watcher_;
};

}  // namespace vora::workflow
