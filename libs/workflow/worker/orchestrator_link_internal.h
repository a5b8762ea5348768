#pragma once

// The connection to the orchestrator, replaced when it has gone silent: a replica that is cut off keeps its connection open, and the
// transport would need a minute to notice. Thread-safe.

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::workflow {

class OrchestratorLink {
 public:
  using Stub = v1::ActivityService::StubInterface;
  // `replaced` is called after a new connection took the place of the old one, on which nothing should be waited for any more.
  OrchestratorLink(std::string target, std::function<void()> replaced);
  std::shared_ptr<Stub> stub() const;
  void Replace();

 private:
  const std::string target_;
  const std::function<void()> replaced_;
  mutable std::mutex mutex_;
  std::shared_ptr<Stub> stub_;
};

}  // namespace vora::workflow
