#include "libs/workflow/service/report_streams.h"

#include <grpcpp/support/server_callback.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "libs/rpc/push_stream.h"

namespace vora::workflow {
namespace {

using Base =
    rpc::PushStream<v1::ReportActivitiesResponse, grpc::ServerBidiReactor<v1::ReportActivitiesRequest, v1::ReportActivitiesResponse>>;
// Below gRPC's 4 MiB, of which one answer may have three.
constexpr size_t kAnswerBytes = 512 << 10;

Status GoingDown() { return Unavailable("the orchestrator is going down; ask another one"); }

v1::ActivityAnswer ToAnswer(int64_t number, StatusOr<v1::CompleteActivityResponse> completed) {
  v1::ActivityAnswer answer;
  answer.set_number(number);
  if (completed.ok()) {
    *answer.mutable_completed() = *std::move(completed);
    return answer;
  }
  const grpc::Status status = rpc::ToGrpc(completed.status());
  answer.set_code(status.error_code());
  answer.set_message(status.error_message());
  answer.set_details(status.error_details());
  return answer;
}

}  // namespace

struct ReportStreams::Impl {
  Impl(Engine& e, Dispatcher& d) : engine(e), dispatcher(d) {}
  Engine& engine;
  Dispatcher& dispatcher;
  std::mutex mutex;
  std::condition_variable idle;
  std::map<std::shared_ptr<Base::Link>, Stream*> open;
  int with_engine = 0;  // reports, also of streams that have ended
  bool stopping = false;
};

class ReportStreams::Stream final : public Base {
 public:
  explicit Stream(Impl& impl) : impl_(impl) {}

  void Begin(const Status& refused) {
    if (!refused.ok()) return Link::End(link(), refused);
    if (!Enter()) return Link::End(link(), GoingDown());
    Link::Push(link(), [this] { hello_ = true; });
    Read();
  }
  // Answers what was reported before. Under the lock of the link.
  void EndSoon(const Status& status) {
    if (!ending_) ending_ = status;
    EndIfAnswered();
  }

  void OnReadDone(bool ok) override {
    // The worker has said all; it waits for the rest of the answers.
    if (!ok) return Link::WhileOpen(link(), [this] { EndSoon({}); });
    for (auto& report : *reports_.mutable_reports()) Take(report);
    Read();
  }

 private:
  bool Enter() {
    const std::lock_guard lock(impl_.mutex);
    return !impl_.stopping && impl_.open.emplace(link(), this).second;
  }

  void Read() {
    Link::WhileOpen(link(), [this] {
      if (!ending_) StartRead(&reports_);
    });
  }

  void Take(v1::ActivityReport& report) {
    {
      const std::lock_guard lock(impl_.mutex);
      ++impl_.with_engine;
    }
    Link::WhileOpen(link(), [this] { ++unanswered_; });
    const auto request = std::make_shared<const v1::CompleteActivityRequest>(std::move(*report.mutable_completed()));
    // The stream may be gone by then: then the worker repeats the report elsewhere.
    impl_.engine.Complete(*request, [this, link = link(), &impl = impl_, number = report.number(),
                                     request](StatusOr<v1::CompleteActivityResponse> completed) {
      const bool answered = Link::Push(link, [&] {
        --unanswered_;
        next_.push_back(ToAnswer(number, std::move(completed)));
      });
      if (!answered && completed.ok() && completed->has_next()) impl.dispatcher.GiveBack(completed->next().task_token());
      const std::lock_guard lock(impl.mutex);
      if (--impl.with_engine == 0) impl.idle.notify_all();
    });
  }

  bool TakeNext(v1::ReportActivitiesResponse& answers) override {
    size_t bytes = 0, taken = 0;
    for (; taken < next_.size() && bytes < kAnswerBytes; ++taken) {
      bytes += next_[taken].ByteSizeLong();
      answers.add_answers()->Swap(&next_[taken]);
    }
    next_.erase(next_.begin(), next_.begin() + static_cast<std::ptrdiff_t>(taken));
    if (std::exchange(hello_, false) || taken > 0) return true;
    EndIfAnswered();
    return false;
  }
  void EndIfAnswered() {
    if (ending_ && unanswered_ == 0 && next_.empty()) Link::End(link(), *ending_);
  }
  void Leave() override {
    const std::lock_guard lock(impl_.mutex);
    impl_.open.erase(link());
  }

  Impl& impl_;
  v1::ReportActivitiesRequest reports_;
  // Under the lock of the link.
  std::vector<v1::ActivityAnswer> next_;
  int unanswered_ = 0;
  bool hello_ = false;
  std::optional<Status> ending_;  // as soon as all is answered
};

ReportStreams::ReportStreams(Engine& engine, Dispatcher& dispatcher) : impl_(std::make_unique<Impl>(engine, dispatcher)) {}

ReportStreams::~ReportStreams() {
  Stop();
  std::unique_lock lock(impl_->mutex);
  impl_->idle.wait(lock, [this] { return impl_->with_engine == 0; });
}

grpc::ServerBidiReactor<v1::ReportActivitiesRequest, v1::ReportActivitiesResponse>* ReportStreams::Start(const Status& refused) {
  auto* stream = new Stream(*impl_);
  stream->Begin(refused);
  return stream;
}

void ReportStreams::Stop() {
  std::map<std::shared_ptr<Base::Link>, Stream*> left;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    left = impl_->open;
  }
  for (const auto& [link, stream] : left) {
    Base::Link::WhileOpen(link, [stream = stream] { stream->EndSoon(GoingDown()); });
  }
}

}  // namespace vora::workflow
