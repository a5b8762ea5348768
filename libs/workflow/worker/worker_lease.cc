#include "libs/workflow/worker/worker_lease_internal.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <utility>

#include "libs/log/log.h"
#include "libs/rpc/call.h"

namespace vora::workflow {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
// The lease lasts a little longer than three of them (kWorkerLeaseUs), so that two may be lost, and a new connection be made, within it.
constexpr milliseconds kReportInterval{600};
constexpr milliseconds kReportTimeout{600};
constexpr milliseconds kLeastPause{250};
constexpr milliseconds kAfterMiss{100};
constexpr milliseconds kAfterMisses{500};
constexpr int kReplaceAfter = 2;
constexpr milliseconds kWatchPause{200};
constexpr milliseconds kWatchDeadline = std::chrono::hours(24);
constexpr milliseconds kGoodbyeTimeout{2000};

}  // namespace

WorkerLease::WorkerLease(OrchestratorLink& link, std::string worker_id, std::string queue, Worker worker)
    : link_(link), worker_id_(std::move(worker_id)), queue_(std::move(queue)), worker_(std::move(worker)), reports_("worker-lease", [this] {
        return Report();
      }) {}

WorkerLease::~WorkerLease() { Leave(milliseconds{0}); }

void WorkerLease::Start() {
  started_ = true;
  reports_.Start();
  watcher_ = std::thread([this] { WatchLoop(); });
}

milliseconds WorkerLease::Report() {
  const auto begin = steady_clock::now();
  // Woken by every checkpoint; handlers may make many.
  if (begin - last_sent_ < kLeastPause) return std::chrono::ceil<milliseconds>(last_sent_ + kLeastPause - begin);
  v1::RenewWorkerRequest request;
  request.set_worker_id(worker_id_);
  request.set_queue(queue_);
  *request.mutable_status() = worker_.status();
  worker_.name_tasks(request);
  last_sent_ = begin;
  const auto response = rpc::Call(*link_.stub(), &OrchestratorLink::Stub::RenewWorker, request, kReportTimeout);
  if (response.ok()) {
    if (missed_ >= kReplaceAfter) log::Info("the orchestrator answers again", {{"missed_reports", missed_}});
    missed_ = 0;
    // When it was sent, since nothing is known of how long the orchestrator took to store it.
    last_good_ = begin;
    worker_.answered(request, *response);
    return kReportInterval;
  }
  ++missed_;
  if (missed_ == kReplaceAfter) log::Warn("the orchestrator does not answer", {{"error", ToText(response.status())}});
  if (missed_ % kReplaceAfter == 0) link_.Replace();
  // A deadline that has passed was pause enough.
  if (response.status().code() == StatusCode::kDeadlineExceeded) return milliseconds{1};
  return missed_ <= kReplaceAfter ? kAfterMiss : kAfterMisses;
}

void WorkerLease::WatchLoop() {
  v1::WatchWorkerRequest request;
  request.set_worker_id(worker_id_);
  while (true) {
    grpc::ClientContext context;
    rpc::Prepare(context, kWatchDeadline);
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      watch_ = &context;
    }
    const auto reader = link_.stub()->WatchWorker(&context, request);
    v1::WorkerOrders orders;
    while (reader->Read(&orders)) worker_.ordered(orders);
    (void)reader->Finish();
    std::unique_lock lock(mutex_);
    watch_ = nullptr;
    changed_.wait_for(lock, kWatchPause, [&] { return stopping_; });
  }
}

void WorkerLease::Reconnect() {
  const std::lock_guard lock(mutex_);
  if (watch_) watch_->TryCancel();
}

void WorkerLease::Leave(milliseconds budget) {
  if (!std::exchange(started_, false)) return;
  // Joined first: a report of being there that overtakes the farewell would bring the row back.
  reports_.Stop();
  const auto deadline = steady_clock::now() + budget;
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    if (left <= milliseconds{0} || SayGoodbye(std::min(left, kGoodbyeTimeout))) break;
    std::this_thread::sleep_for(kAfterMiss);
  }
  // Afterwards, as a stream that breaks looks like a death.
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (watch_) watch_->TryCancel();
    changed_.notify_all();
  }
  watcher_.join();
}

bool WorkerLease::SayGoodbye(milliseconds timeout) {
  v1::ReportWorkerRequest request;
  request.set_worker_id(worker_id_);
  request.set_queue(queue_);
  request.set_leaving(true);
  return rpc::Call(*link_.stub(), &OrchestratorLink::Stub::ReportWorker, request, timeout).ok();
}

}  // namespace vora::workflow
