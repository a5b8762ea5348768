#include <memory>

#include "libs/rpc/client.h"
#include "libs/rpc/status.h"
#include "services/streaming-gateway/cache/presentation_cache.h"
#include "vora/playback/v1/playback.grpc.pb.h"

namespace vora::gateway {

PresentationSource MetadataSource(const std::string& target, std::chrono::milliseconds timeout) {
  std::shared_ptr<playback::v1::PlaybackService::StubInterface> stub = playback::v1::PlaybackService::NewStub(rpc::Connect(target));
  return [stub, timeout](const std::string& video_id) -> StatusOr<playback::v1::Presentation> {
    grpc::ClientContext context;
    rpc::Prepare(context, timeout);
    playback::v1::GetPresentationRequest request;
    request.set_video_id(video_id);
    playback::v1::Presentation presentation;
    const grpc::Status status = stub->GetPresentation(&context, request, &presentation);
    if (!status.ok()) return rpc::FromGrpc(status);
    return presentation;
  };
}

}  // namespace vora::gateway
