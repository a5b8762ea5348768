#include <memory>

#include "libs/rpc/call.h"
#include "services/streaming-gateway/cache/presentation_cache.h"
#include "vora/playback/v1/playback.grpc.pb.h"

namespace vora::gateway {

PresentationSource MetadataSource(const std::string& target, std::chrono::milliseconds timeout) {
  std::shared_ptr<playback::v1::PlaybackService::Stub> stub = playback::v1::PlaybackService::NewStub(rpc::Connect(target));
  return [stub, timeout](const std::string& video_id) -> StatusOr<playback::v1::Presentation> {
    playback::v1::GetPresentationRequest request;
    request.set_video_id(video_id);
    return rpc::Call(*stub, &playback::v1::PlaybackService::Stub::GetPresentation, request, timeout);
  };
}

}  // namespace vora::gateway
