#include <grpcpp/client_context.h>

#include <algorithm>

#include "libs/rpc/client.h"
#include "libs/workflow/worker/worker_presence_internal.h"

namespace vora::workflow {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
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
      answered_(std::move(answered)) {}

WorkerPresence::~WorkerPresence() { Leave(milliseconds{0}); }

void WorkerPresence::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void WorkerPresence::Leave(milliseconds budget) {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    leaving_ = true;
  }
  changed_.notify_all();
  thread_.join();
  const auto deadline = steady_clock::now() + budget;
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    if (left <= milliseconds{0} || Report(/*leaving=*/true, std::min(left, kReportTimeout))) return;
    std::this_thread::sleep_for(kPause);
  }
}

// Nobody but operators misses one.
void WorkerPresence::Loop() {
  for (;;) {
    if (Report(/*leaving=*/false, kReportTimeout)) answered_();
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, kReportInterval, [&] { return leaving_; })) return;
  }
}

bool WorkerPresence::Report(bool leaving, milliseconds timeout) {
  v1::ReportWorkerRequest request;
  request.set_worker_id(worker_id_);
  request.set_queue(queue_);
  request.set_leaving(leaving);
  *request.mutable_status() = look_();
  grpc::ClientContext context;
  rpc::Prepare(context, timeout);
  v1::ReportWorkerResponse response;
  return stub_->ReportWorker(&context, request, &response).ok();
}

}  // namespace vora::workflow
