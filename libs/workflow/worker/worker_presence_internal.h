#pragma once

// Says to the orchestrator that a worker is there, about every ten seconds, and in the end that it leaves.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "libs/run/periodic.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::workflow {

class WorkerPresence {
 public:
  using Stub = v1::ActivityService::StubInterface;
  // `look` tells how the worker is, `answered` is told that the orchestrator took a report; called from a thread of this object.
  WorkerPresence(std::shared_ptr<Stub> stub, std::string worker_id, std::string queue, std::function<v1::WorkerStatus()> look,
                 std::function<void()> answered);
  ~WorkerPresence();
  void Start();
  // Ends the reports with one that the worker leaves: what it may still hold, such as tasks of an answer that never arrived, goes back into
  // the queue at once. Best effort, for at most `budget`. Does nothing when it was not started, or has left.
  void Leave(std::chrono::milliseconds budget);

 private:
  bool Report(bool leaving, std::chrono::milliseconds timeout);
  const std::shared_ptr<Stub> stub_;
  const std::string worker_id_, queue_;
  const std::function<v1::WorkerStatus()> look_;
  const std::function<void()> answered_;
  bool started_ = false;
  Periodic thread_;
};

}  // namespace vora::workflow
