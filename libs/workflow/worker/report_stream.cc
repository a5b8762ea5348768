#include <grpcpp/client_context.h>

#include <utility>

#include "libs/rpc/client.h"
#include "libs/rpc/status.h"
#include "libs/workflow/worker/report_stream_internal.h"

namespace vora::workflow {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kDeadline = std::chrono::hours(24);
constexpr milliseconds kPause{200};
// The orchestrator is older than its workers: until they have all been replaced, there is a call for each report.
constexpr milliseconds kUnknownPause{60'000};
constexpr size_t kMessageBytes = 1 << 20;  // with the largest report on top it is still below gRPC's 4 MiB
// A message that gRPC refuses would end the stream for all.
constexpr size_t kReportBytes = 2 << 20;

}  // namespace

void ReportStream::Start() {
  reader_ = std::thread([this] { ReadLoop(); });
  writer_ = std::thread([this] { WriteLoop(); });
}

void ReportStream::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (context_) context_->TryCancel();
    changed_.notify_all();
  }
  if (reader_.joinable()) reader_.join();
  if (writer_.joinable()) writer_.join();
}

void ReportStream::Reconnect() {
  const std::lock_guard lock(mutex_);
  if (context_) context_->TryCancel();
}

void ReportStream::ReadLoop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    grpc::ClientContext context;
    rpc::Prepare(context, kDeadline);
    context_ = &context;
    lock.unlock();
    const std::shared_ptr<Stream> stream = link_.stub()->ReportActivities(&context);
    v1::ReportActivitiesResponse answers;
    if (stream->Read(&answers)) {
      lock.lock();
      stream_ = stream;
      lock.unlock();
      while (stream->Read(&answers)) Answer(answers);
    }
    lock.lock();
    Break();
    changed_.wait(lock, [&] { return !writing_; });
    lock.unlock();
    const Status ended = rpc::FromGrpc(stream->Finish());
    lock.lock();
    context_ = nullptr;
    changed_.wait_for(lock, ended.code() == StatusCode::kUnimplemented ? kUnknownPause : kPause, [&] { return stopping_; });
  }
}

// With the mutex held.
void ReportStream::Break() {
  stream_ = nullptr;
  unsent_.clear();
  for (auto& [number, waiting] : waiting_) {
    waiting->answer = Unavailable("the connection to the orchestrator broke");
    waiting->answered.notify_one();
  }
  waiting_.clear();
}

// What comes during a message shares the next.
void ReportStream::WriteLoop() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || (stream_ && !unsent_.empty()); });
    if (stopping_) return;
    v1::ReportActivitiesRequest reports;
    size_t bytes = 0, taken = 0;
    for (; taken < unsent_.size() && bytes < kMessageBytes; ++taken) {
      bytes += unsent_[taken].ByteSizeLong();
      reports.add_reports()->Swap(&unsent_[taken]);
    }
    unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(taken));
    const auto stream = stream_;
    writing_ = true;
    lock.unlock();
    (void)stream->Write(reports);  // of a stream that is broken, the reader learns
    lock.lock();
    writing_ = false;
    if (!stream_) changed_.notify_all();
  }
}

void ReportStream::Answer(v1::ReportActivitiesResponse& answers) {
  const std::lock_guard lock(mutex_);
  for (auto& answer : *answers.mutable_answers()) {
    const auto found = waiting_.find(answer.number());
    if (found == waiting_.end()) continue;  // nobody waits any more
    if (answer.code() == 0) {
      found->second->answer = std::move(*answer.mutable_completed());
    } else {
      found->second->answer = rpc::FromGrpc({static_cast<grpc::StatusCode>(answer.code()), answer.message(), answer.details()});
    }
    found->second->answered.notify_one();
    waiting_.erase(found);
  }
}

std::optional<StatusOr<v1::CompleteActivityResponse>> ReportStream::Complete(const v1::CompleteActivityRequest& request,
                                                                             milliseconds timeout) {
  if (request.ByteSizeLong() > kReportBytes) return {};
  const auto until = std::chrono::steady_clock::now() + timeout;
  Waiting waiting;
  std::unique_lock lock(mutex_);
  if (!stream_) return {};
  const int64_t number = ++last_number_;
  waiting_[number] = &waiting;
  auto& report = unsent_.emplace_back();
  report.set_number(number);
  *report.mutable_completed() = request;
  if (unsent_.size() == 1) changed_.notify_all();
  waiting.answered.wait_until(lock, until, [&] { return waiting.answer.has_value(); });
  if (waiting.answer) return std::move(waiting.answer);
  waiting_.erase(number);
  std::erase_if(unsent_, [&](const v1::ActivityReport& unsent) { return unsent.number() == number; });
  return DeadlineExceeded("no answer from the orchestrator within " + std::to_string(timeout.count()) + " ms");
}

}  // namespace vora::workflow
