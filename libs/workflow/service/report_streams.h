#pragma once

// ReportActivities: reports of workers as they come, each answered when the engine has taken it.

#include <memory>

#include "libs/core/status.h"
#include "libs/workflow/engine/engine.h"
#include "libs/workflow/service/dispatcher.h"

namespace grpc {
template <class Request, class Response>
class ServerBidiReactor;
}

namespace vora::workflow {

class ReportStreams {
 public:
  // Both must outlive it.
  ReportStreams(Engine& engine, Dispatcher& dispatcher);
  ~ReportStreams();  // Stop; waits until the engine has answered what was reported
  // Owns itself until the call is done. Ends at once with `refused` unless that is OK.
  grpc::ServerBidiReactor<v1::ReportActivitiesRequest, v1::ReportActivitiesResponse>* Start(const Status& refused);
  // The streams end when they have answered what was reported.
  void Stop();

 private:
  class Stream;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::workflow
