#include <grpcpp/client_context.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "libs/rpc/call.h"
#include "libs/workflow/worker/worker_presence_internal.h"

namespace vora::workflow {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
// The engine counts a worker as there for a minute, so several reports may be lost.
constexpr milliseconds kReportInterval{10'000};
constexpr milliseconds kReportTimeout{2000};
constexpr milliseconds kPause{100};

}  // namespace

WorkerPresence::WorkerPresence(std::shared_ptr<Stub> stub, std::string worker_id, std::string queue, std::function<v1::WorkerStatus()> look,
                               std::function<void()> answered)
    : stub_(std::move(stub)),
      worker_id_(std::move(worker_id)),
      queue_(std::move(queue)),
      look_(std::move(look)),
      answered_(std::move(answered)),
      // Nobody but operators misses a report.
      thread_("worker-presence", [this] {
        if (Report(/*leaving=*/false, kReportTimeout)) answered_();
        return kReportInterval;
      }) {}

WorkerPresence::~WorkerPresence() { Leave(milliseconds{0}); }

void WorkerPresence::Start() {
  started_ = true;
  thread_.Start();
}

void WorkerPresence::Leave(milliseconds budget) {
  if (!std::exchange(started_, false)) return;
  // Joined first: a report of being there that overtakes the farewell would bring the row back.
  thread_.Stop();
  const auto deadline = steady_clock::now() + budget;
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    if (left <= milliseconds{0} || Report(/*leaving=*/true, std::min(left, kReportTimeout))) return;
    std::this_thread::sleep_for(kPause);
  }
}

bool WorkerPresence::Report(bool leaving, milliseconds timeout) {
  v1::ReportWorkerRequest request;
  request.set_worker_id(worker_id_);
  request.set_queue(queue_);
  request.set_leaving(leaving);
  *request.mutable_status() = look_();
  return rpc::Call(*stub_, &Stub::ReportWorker, request, timeout).ok();
}

}  // namespace vora::workflow
