#include <atomic>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "bench/engine/client.h"
#include "bench/engine/drivers.h"

namespace vora::bench {
namespace {

using namespace workflow;
using std::chrono::steady_clock;

struct Started {
  int64_t called_us = 0;
  StartCall call{ChainRequest(1)};
};

struct Times {
  int64_t scheduled_us = 0, handler_us = 0;
};

// What the history says, once the chain is closed.
Times TimesOf(v1::WorkflowService::Stub& stub, const std::string& workflow_id) {
  v1::WaitResultRequest wait;
  wait.set_workflow_id(workflow_id);
  const auto ended = MustCall(stub, &v1::WorkflowService::Stub::WaitResult, wait);
  if (ended.info().status() != v1::WORKFLOW_STATUS_COMPLETED) Die("a chain ended as " + ended.info().ShortDebugString());
  v1::GetHistoryRequest request;
  request.set_workflow_id(workflow_id);
  request.set_page_size(100);
  Times times;
  const auto history = MustCall(stub, &v1::WorkflowService::Stub::GetHistory, request);
  for (const auto& event : history.events()) {
    if (event.type() == v1::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) {
      times.scheduled_us = event.time().seconds() * 1'000'000 + event.time().nanos() / 1000;
    } else if (event.type() == v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED) {
      const auto result = nlohmann::json::parse(event.attributes()).at("result").get<std::string>();
      times.handler_us = nlohmann::json::parse(result).at("handler_us").get<int64_t>();
    }
  }
  if (times.scheduled_us == 0 || times.handler_us == 0) Die("the history of " + workflow_id + " is not whole");
  return times;
}

}  // namespace

int Latency(const Target& target, const LatencyOptions& options) {
  v1::WorkflowService::Stub stub(rpc::Connect(target.orchestrator));
  const auto skipped = static_cast<size_t>(options.rate * options.warm_up);
  std::vector<std::unique_ptr<Started>> all(skipped + static_cast<size_t>(options.rate * options.seconds));
  std::atomic<size_t> answered{0};
  const auto begin = steady_clock::now();
  for (size_t i = 0; i < all.size(); ++i) {
    std::this_thread::sleep_until(begin + std::chrono::nanoseconds(static_cast<int64_t>(static_cast<double>(i) / options.rate * 1e9)));
    Started& started = *(all[i] = std::make_unique<Started>());
    started.called_us = NowMicros();
    started.call.Run(stub, [&answered] { answered.fetch_add(1); });
  }
  while (answered.load() < all.size()) std::this_thread::sleep_for(std::chrono::milliseconds{5});
  const double cpu = CpuSeconds();
  std::vector<double> from_event, from_call;
  int refused = 0;
  for (size_t i = skipped; i < all.size(); ++i) {
    const Times times = TimesOf(stub, all[i]->call.workflow_id());
    refused += all[i]->call.refused();
    from_event.push_back(static_cast<double>(times.handler_us - times.scheduled_us) / 1000);
    from_call.push_back(static_cast<double>(times.handler_us - all[i]->called_us) / 1000);
  }
  std::printf("RESULT %.3f %.3f %.3f %.3f %.3f %zu %.2f %d\n", Percentile(from_event, 0.5), Percentile(from_event, 0.99),
              Percentile(from_event, 1), Percentile(from_call, 0.5), Percentile(from_call, 0.99), from_event.size(), cpu, refused);
  return 0;
}

}  // namespace vora::bench
