#pragma once

// Reports of finished work over one stream to the orchestrator: what several slots have to say at the same time goes in one message.
// Thread-safe.

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "libs/core/status.h"
#include "libs/workflow/worker/orchestrator_link_internal.h"

namespace grpc {
class ClientContext;
}

namespace vora::workflow {

class ReportStream {
 public:
  // `link` must outlive it.
  explicit ReportStream(const OrchestratorLink& link) : link_(link) {}
  ~ReportStream() { Stop(); }
  void Start();
  void Stop();
  // The connection was replaced: nothing more comes from the old one.
  void Reconnect();

  // Waits for the answer. DEADLINE_EXCEEDED, UNAVAILABLE: it is not known whether the report was taken. Nothing: it was not sent, and needs
  // a call of its own, as it is large or there is no stream now.
  std::optional<StatusOr<v1::CompleteActivityResponse>> Complete(const v1::CompleteActivityRequest& request,
                                                                 std::chrono::milliseconds timeout);

 private:
  using Stream = grpc::ClientReaderWriterInterface<v1::ReportActivitiesRequest, v1::ReportActivitiesResponse>;
  struct Waiting {
    std::condition_variable answered;
    std::optional<StatusOr<v1::CompleteActivityResponse>> answer;
  };
  void ReadLoop();
  void WriteLoop();
  void Answer(v1::ReportActivitiesResponse& answers);
  void Break();

  const OrchestratorLink& link_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Stream> stream_;  // nullptr: there is none now
  grpc::ClientContext* context_ = nullptr;
  bool stopping_ = false;
  bool writing_ = false;
  int64_t last_number_ = 0;
  std::vector<v1::ActivityReport> unsent_;
  std::map<int64_t, Waiting*> waiting_;  // by number
  std::thread reader_, writer_;
};

}  // namespace vora::workflow
