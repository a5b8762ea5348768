#include <grpcpp/server_context.h>

#include "libs/log/log.h"
#include "libs/obs/span.h"
#include "libs/rpc/status.h"
#include "services/metadata/api/grpc_services.h"
#include "services/metadata/videos/video_operations.h"
#include "vora/upload/v1/upload.grpc.pb.h"

namespace vora::metadata {
namespace {

class UploadListenerImpl final : public upload::v1::UploadListener::Service {
 public:
  UploadListenerImpl(VideoOperations& operations, rpc::Authorizer authorizer)
      : operations_(operations), authorizer_(std::move(authorizer)) {}

  grpc::Status UploadFinished(grpc::ServerContext* context, const upload::v1::UploadFinishedRequest* request,
                              upload::v1::UploadFinishedResponse*) override {
    return authorizer_.Authorize(*context, {Scope::kFleet}, [&](const Caller&) {
      obs::Span span("create video", obs::SpanKind::kConsumer, request->upload().traceparent());
      const auto created = operations_.CreateFromUpload(request->upload());
      span.Fail(created.status());
      if (!created.ok()) return rpc::ToGrpc(created.status());
      span.Set("vora.video.id", created->video.video_id());
      if (created->created) {
        log::Info("video created", {{"video_id", created->video.video_id()}, {"upload_id", request->upload().upload_id()}});
      }
      return grpc::Status::OK;
    });
  }

 private:
  VideoOperations& operations_;
  const rpc::Authorizer authorizer_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeUploadListener(VideoOperations& operations, rpc::Authorizer authorizer) {
  return std::make_unique<UploadListenerImpl>(operations, std::move(authorizer));
}

}  // namespace vora::metadata
