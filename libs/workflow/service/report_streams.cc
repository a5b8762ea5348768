#include "libs/workflow/service/report_streams.h"

#include <grpcpp/support/server_callback.h>

#include <mutex>
#include <set>
#include <utility>

#include "libs/rpc/push_stream.h"

namespace vora::workflow {
namespace {

using Base = rpc::PushStream<v1::ActivityAnswers, grpc::ServerBidiReactor<v1::ActivityReports, v1::ActivityAnswers>>;
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
  Engine& engine;
  std::mutex mutex;
  std::set<std::shared_ptr<Base::Link>> open;
  bool stopping = false;
};

class ReportStreams::Stream final : public Base {
 public:
  explicit Stream(Impl& impl) : impl_(impl) {}

  void Begin(const Status& refused) {
    if (!refused.ok()) return Link::End(link(), refused);
    if (!Enter()) return Link::End(link(), GoingDown());
    Link::Push(link(), [this] { hello_ = true; });
    Link::WhileOpen(link(), [this] { StartRead(&reports_); });
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Link::End(link(), {});
    for (auto& report : *reports_.mutable_reports()) {
      const auto request = std::make_shared<const v1::CompleteActivityRequest>(std::move(*report.mutable_completed()));
      // The stream may be gone by then, and its link with it: then the worker repeats the report elsewhere.
      impl_.engine.Complete(*request,
                            [this, link = link(), number = report.number(), request](StatusOr<v1::CompleteActivityResponse> completed) {
                              Link::Push(link, [&] { next_.push_back(ToAnswer(number, std::move(completed))); });
                            });
    }
    Link::WhileOpen(link(), [this] { StartRead(&reports_); });
  }

 private:
  bool Enter() {
    const std::lock_guard lock(impl_.mutex);
    return !impl_.stopping && impl_.open.insert(link()).second;
  }
  bool TakeNext(v1::ActivityAnswers& answers) override {
    size_t bytes = 0, taken = 0;
    for (; taken < next_.size() && bytes < kAnswerBytes; ++taken) {
      bytes += next_[taken].ByteSizeLong();
      answers.add_answers()->Swap(&next_[taken]);
    }
    next_.erase(next_.begin(), next_.begin() + static_cast<std::ptrdiff_t>(taken));
    return std::exchange(hello_, false) || taken > 0;
  }
  void Leave() override {
    const std::lock_guard lock(impl_.mutex);
    impl_.open.erase(link());
  }

  Impl& impl_;
  v1::ActivityReports reports_;
  std::vector<v1::ActivityAnswer> next_;
  bool hello_ = false;
};

ReportStreams::ReportStreams(Engine& engine) : impl_(new Impl{engine, {}, {}, false}) {}
ReportStreams::~ReportStreams() { Stop(); }

grpc::ServerBidiReactor<v1::ActivityReports, v1::ActivityAnswers>* ReportStreams::Start(const Status& refused) {
  auto* stream = new Stream(*impl_);
  stream->Begin(refused);
  return stream;
}

void ReportStreams::Stop() {
  std::set<std::shared_ptr<Base::Link>> left;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    left = impl_->open;
  }
  for (const auto& link : left) Base::Link::End(link, GoingDown());
}

}  // namespace vora::workflow
