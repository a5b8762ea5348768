#pragma once

// Metadata's gRPC as the bridge uses it, with the token of its tenant. For one thread.

#include <memory>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "services/amqp-bridge/bridge_settings.h"
#include "services/amqp-bridge/task.h"
#include "vora/metadata/v1/events.grpc.pb.h"
#include "vora/metadata/v1/metadata.grpc.pb.h"

namespace vora::amqp {

inline constexpr size_t kMostAcknowledged = 200;

class MetadataClient {
 public:
  explicit MetadataClient(const BridgeSettings& settings);

  StatusOr<metadata::v1::Video> Import(const Task& task);
  StatusOr<metadata::v1::Video> GetVideo(const std::string& video_id);
  // At most 50.
  StatusOr<std::vector<metadata::v1::Event>> FetchEvents();
  // At most kMostAcknowledged.
  Status AcknowledgeEvents(const std::vector<std::string>& ids);

 private:
  template <typename Stub, typename Interface, typename Request, typename Response>
  StatusOr<Response> Call(Stub& stub, grpc::Status (Interface::*method)(grpc::ClientContext*, const Request&, Response*),
                          const Request& request);

  const std::string token_, token_file_, subscription_;
  std::unique_ptr<metadata::v1::VideoService::Stub> videos_;
  std::unique_ptr<metadata::v1::EventService::Stub> events_;
};

// Whether metadata's answer to an import is about the task: no later try would be answered otherwise.
bool IsTasksFault(const Status& status);
// Whether it is about us, so that it would be answered to any task: our token has expired, say.
bool HoldsForAll(const Status& status);

}  // namespace vora::amqp
