#include "libs/workflow/worker/orchestrator_link_internal.h"

#include <utility>

#include "libs/rpc/client.h"

namespace vora::workflow {

OrchestratorLink::OrchestratorLink(std::string target, std::function<void()> replaced)
    : target_(std::move(target)), replaced_(std::move(replaced)), stub_(v1::ActivityService::NewStub(rpc::ConnectApart(target_))) {}

std::shared_ptr<OrchestratorLink::Stub> OrchestratorLink::stub() const {
  const std::lock_guard lock(mutex_);
  return stub_;
}

void OrchestratorLink::Replace() {
  std::shared_ptr<Stub> fresh = v1::ActivityService::NewStub(rpc::ConnectApart(target_));
  {
    const std::lock_guard lock(mutex_);
    stub_.swap(fresh);
  }
  replaced_();
}

}  // namespace vora::workflow
