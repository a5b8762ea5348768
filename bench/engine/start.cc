#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "bench/engine/client.h"
#include "bench/engine/drivers.h"

namespace vora::bench {

int StartOpen(const Target& target, const StartOptions& options) {
  workflow::v1::WorkflowService::Stub stub(rpc::Connect(target.orchestrator));
  std::vector<std::unique_ptr<StartCall>> all;
  std::atomic<int> answered{0};
  for (int i = 0; i < options.count; ++i) {
    auto request = ChainRequest(1);
    if (options.sleep_ms > 0) {
      request.set_type("Sleeper");
      request.set_input("{\"ms\":" + std::to_string(options.sleep_ms) + "}");
    }
    all.push_back(std::make_unique<StartCall>(std::move(request)));
    all.back()->Run(stub, [&answered] { answered.fetch_add(1); });
  }
  while (answered.load() < options.count) std::this_thread::sleep_for(std::chrono::milliseconds{5});
  return 0;
}

}  // namespace vora::bench
