#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>

#include "bench/engine/client.h"
#include "bench/engine/drivers.h"

namespace vora::bench {
namespace {

using namespace workflow;
using std::chrono::steady_clock;

// On gRPC's own threads: a thread for each open chain would take from the processors what is to be measured.
class Load {
 public:
  Load(v1::WorkflowService::Stub& stub, const ThroughputOptions& options)
      : stub_(stub),
        options_(options),
        counted_(steady_clock::now() + Seconds(options.warm_up)),
        end_(counted_ + Seconds(options.seconds)) {}

  void Run() {
    for (int i = 0; i < options_.open; ++i) Next();
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return open_ == 0; });
  }
  void Print() const {
    std::printf("RESULT %.1f %lld %.2f %.2f %.2f %lld\n", static_cast<double>(times_.size()) / options_.seconds,
                static_cast<long long>(started_), CpuSeconds(), Percentile(times_, 0.5), Percentile(times_, 0.99),
                static_cast<long long>(refused_));
  }

 private:
  struct Flow {
    steady_clock::time_point begin = steady_clock::now();
    StartCall start;
    v1::WaitResultRequest wait_request;
    v1::WaitResultResponse ended;
    grpc::ClientContext context;
    explicit Flow(int activities) : start(ChainRequest(activities)) {}
  };

  static steady_clock::duration Seconds(double seconds) {
    return std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(seconds));
  }

  void Next() {
    {
      const std::lock_guard lock(mutex_);
      ++open_;
      ++started_;
    }
    auto flow = std::make_shared<Flow>(options_.activities);
    flow->start.Run(stub_, [this, flow] { Wait(flow); });
  }

  void Wait(const std::shared_ptr<Flow>& flow) {
    flow->wait_request.set_workflow_id(flow->start.workflow_id());
    flow->wait_request.set_run_id(flow->start.run_id());
    rpc::Prepare(flow->context, kCallTimeout);
    stub_.async()->WaitResult(&flow->context, &flow->wait_request, &flow->ended, [this, flow](const grpc::Status& status) {
      if (!status.ok()) Die("WaitResult: " + status.error_message());
      if (flow->ended.info().status() != v1::WORKFLOW_STATUS_COMPLETED) Die("a chain ended as " + flow->ended.info().ShortDebugString());
      Ended(*flow);
    });
  }

  void Ended(const Flow& flow) {
    const auto now = steady_clock::now();
    if (now < end_) Next();
    const std::lock_guard lock(mutex_);
    refused_ += flow.start.refused();
    if (now >= counted_ && now < end_) times_.push_back(std::chrono::duration<double, std::milli>(now - flow.begin).count());
    if (--open_ == 0) idle_.notify_all();
  }

  v1::WorkflowService::Stub& stub_;
  const ThroughputOptions options_;
  const steady_clock::time_point counted_, end_;
  std::mutex mutex_;
  std::condition_variable idle_;
  int open_ = 0;
  int64_t started_ = 0, refused_ = 0;
  std::vector<double> times_;  // ms
};

}  // namespace

int Throughput(const Target& target, const ThroughputOptions& options) {
  v1::WorkflowService::Stub stub(rpc::Connect(target.orchestrator));
  Load load(stub, options);
  load.Run();
  load.Print();
  return 0;
}

}  // namespace vora::bench
