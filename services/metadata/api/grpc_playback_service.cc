#include <grpcpp/server_context.h>

#include "libs/rpc/status.h"
#include "services/metadata/api/grpc_services.h"
#include "services/metadata/videos/presentation_repo.h"
#include "vora/playback/v1/playback.grpc.pb.h"

namespace vora::metadata {
namespace {

class PlaybackServiceImpl final : public playback::v1::PlaybackService::Service {
 public:
  PlaybackServiceImpl(PresentationRepo& presentations, rpc::Gate gate) : presentations_(presentations), gate_(std::move(gate)) {}

  grpc::Status GetPresentation(grpc::ServerContext* context, const playback::v1::GetPresentationRequest* request,
                               playback::v1::Presentation* response) override {
    return gate_.Let(*context, {Scope::kFleet}, [&](const Caller&) {
      auto presentation = presentations_.Get(request->video_id());
      if (!presentation.ok()) return rpc::ToGrpc(presentation.status());
      *response = *std::move(presentation);
      return grpc::Status::OK;
    });
  }

 private:
  PresentationRepo& presentations_;
  const rpc::Gate gate_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakePlaybackService(PresentationRepo& presentations, rpc::Gate gate) {
  return std::make_unique<PlaybackServiceImpl>(presentations, std::move(gate));
}

}  // namespace vora::metadata
