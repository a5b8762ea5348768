#include <grpcpp/server_context.h>

#include "libs/rpc/status.h"
#include "services/metadata/api/grpc_services.h"
#include "services/metadata/videos/presentation_repo.h"
#include "vora/playback/v1/playback.grpc.pb.h"

namespace vora::metadata {
namespace {

class PlaybackServiceImpl final : public playback::v1::PlaybackService::Service {
 public:
  PlaybackServiceImpl(PresentationRepo& presentations, rpc::Authorizer authorizer)
      : presentations_(presentations), authorizer_(std::move(authorizer)) {}

  grpc::Status GetPresentation(grpc::ServerContext* context, const playback::v1::GetPresentationRequest* request,
                               playback::v1::Presentation* response) override {
    return authorizer_.Authorize(*context, {Scope::kFleet}, [&](const Caller&) {
      auto presentation = presentations_.Get(request->video_id());
      if (!presentation.ok()) return rpc::ToGrpc(presentation.status());
      *response = *std::move(presentation);
      return grpc::Status::OK;
    });
  }

 private:
  PresentationRepo& presentations_;
  const rpc::Authorizer authorizer_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakePlaybackService(PresentationRepo& presentations, rpc::Authorizer authorizer) {
  return std::make_unique<PlaybackServiceImpl>(presentations, std::move(authorizer));
}

}  // namespace vora::metadata
