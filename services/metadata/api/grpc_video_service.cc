#include <grpcpp/server_context.h>

#include "libs/core/error.h"
#include "libs/rpc/status.h"
#include "libs/run/thread_pool.h"
#include "services/metadata/api/grpc_answer_internal.h"
#include "services/metadata/api/grpc_services.h"
#include "services/metadata/api/grpc_watch_internal.h"
#include "services/metadata/imports/import_operations.h"
#include "services/metadata/rows/video_state.h"
#include "services/metadata/videos/encode_repo.h"
#include "services/metadata/videos/video_operations.h"
#include "vora/metadata/v1/metadata.grpc.pb.h"

namespace vora::metadata {
namespace {

using Base = v1::VideoService::WithCallbackMethod_WatchVideo<v1::VideoService::Service>;
constexpr size_t kLoaders = 4;
constexpr size_t kMaxWaitingLoads = 10'000;

class VideoServiceImpl final : public Base {
 public:
  VideoServiceImpl(VideoOperations& operations, ImportOperations& imports, VideoRepo& videos, EncodeRepo& encodes, WatchHub& hub,
                   rpc::Authorizer authorizer)
      : operations_(operations), imports_(imports), videos_(videos), encodes_(encodes), hub_(hub), authorizer_(std::move(authorizer)) {}

  grpc::Status CreateVideo(grpc::ServerContext* context, const v1::CreateVideoRequest* request, v1::Video* response) override {
    return authorizer_.Authorize(*context, {Scope::kWrite}, [&](const Caller& caller) {
      auto created = operations_.CreateFromRequest(caller.tenant, *request);
      if (!created.ok()) return rpc::ToGrpc(created.status());
      *response = std::move(created->video);
      return grpc::Status::OK;
    });
  }

  grpc::Status ImportVideo(grpc::ServerContext* context, const v1::ImportVideoRequest* request, v1::Video* response) override {
    return authorizer_.Authorize(*context, {Scope::kWrite}, [&](const Caller& caller) {
      auto created = imports_.Import(caller.tenant, *request);
      if (!created.ok()) return rpc::ToGrpc(created.status());
      *response = std::move(created->video);
      return grpc::Status::OK;
    });
  }

  grpc::Status GetVideo(grpc::ServerContext* context, const v1::GetVideoRequest* request, v1::Video* response) override {
    return authorizer_.Authorize(*context, {Scope::kRead}, [&](const Caller& caller) {
      return AnswerUnary(videos_.Get(caller.tenant, request->video_id()), response);
    });
  }

  grpc::Status ListVideos(grpc::ServerContext* context, const v1::ListVideosRequest* request, v1::ListVideosResponse* response) override {
    return authorizer_.Authorize(*context, {Scope::kRead}, [&](const Caller& caller) {
      ListRequest list;
      list.tenant = caller.tenant;
      list.page_size = request->page_size();
      list.page_token = request->page_token();
      list.query = request->query();
      list.external_id = request->external_id();
      list.labels = {request->labels().begin(), request->labels().end()};
      if (request->state() != v1::VIDEO_STATE_UNSPECIFIED) {
        // A number that is no state becomes a name that is none, so that List refuses it as it does for REST.
        list.state = v1::VideoState_IsValid(request->state()) ? std::string(StateName(request->state())) : "unknown";
      }
      auto page = operations_.List(list);
      if (!page.ok()) return rpc::ToGrpc(page.status());
      for (auto& video : page->videos) *response->add_videos() = std::move(video);
      response->set_next_page_token(page->next_page_token);
      return grpc::Status::OK;
    });
  }

  grpc::Status UpdateVideo(grpc::ServerContext* context, const v1::UpdateVideoRequest* request, v1::Video* response) override {
    return authorizer_.Authorize(*context, {Scope::kWrite},
                                 [&](const Caller& caller) { return AnswerUnary(operations_.Update(caller.tenant, *request), response); });
  }

  grpc::Status DeleteVideo(grpc::ServerContext* context, const v1::DeleteVideoRequest* request, v1::DeleteVideoResponse*) override {
    return authorizer_.Authorize(*context, {Scope::kWrite},
                                 [&](const Caller& caller) { return rpc::ToGrpc(videos_.Delete(caller.tenant, request->video_id())); });
  }

  grpc::Status CancelVideo(grpc::ServerContext* context, const v1::CancelVideoRequest* request, v1::Video* response) override {
    return authorizer_.Authorize(*context, {Scope::kWrite}, [&](const Caller& caller) {
      return AnswerUnary(videos_.Cancel(caller.tenant, request->video_id()), response);
    });
  }

  grpc::Status RetryVideo(grpc::ServerContext* context, const v1::RetryVideoRequest* request, v1::Video* response) override {
    return authorizer_.Authorize(*context, {Scope::kWrite}, [&](const Caller& caller) {
      return AnswerUnary(videos_.Retry(caller.tenant, request->video_id()), response);
    });
  }

  grpc::Status EncodeVideo(grpc::ServerContext* context, const v1::EncodeVideoRequest* request, v1::Encode* response) override {
    return authorizer_.Authorize(*context, {Scope::kWrite}, [&](const Caller& caller) {
      auto begun = encodes_.Begin(caller.tenant, *request);
      if (!begun.ok()) return rpc::ToGrpc(begun.status());
      *response = std::move(begun->encode);
      return grpc::Status::OK;
    });
  }

  grpc::Status ListEncodes(grpc::ServerContext* context, const v1::ListEncodesRequest* request,
                           v1::ListEncodesResponse* response) override {
    return authorizer_.Authorize(*context, {Scope::kRead}, [&](const Caller& caller) {
      return AnswerUnary(encodes_.List(caller.tenant, request->video_id()), response);
    });
  }

  grpc::Status CancelEncode(grpc::ServerContext* context, const v1::CancelEncodeRequest* request, v1::Encode* response) override {
    return authorizer_.Authorize(*context, {Scope::kWrite},
                                 [&](const Caller& caller) { return AnswerUnary(encodes_.Cancel(caller.tenant, *request), response); });
  }

  grpc::ServerWriteReactor<v1::Video>* WatchVideo(grpc::CallbackServerContext* context, const v1::WatchVideoRequest* request) override {
    const auto caller = authorizer_.Authorize(*context, {Scope::kRead});
    if (!caller.ok()) return new rpc::RefusedCall<grpc::ServerWriteReactor<v1::Video>>(caller.status());
    return StartWatch(videos_, hub_, loaders_, caller->tenant, request->video_id());
  }

 private:
  VideoOperations& operations_;
  ImportOperations& imports_;
  VideoRepo& videos_;
  EncodeRepo& encodes_;
  WatchHub& hub_;
  const rpc::Authorizer authorizer_;
  // Last, so that its jobs end before what they use.
  ThreadPool loaders_{"watch-load", kLoaders, kMaxWaitingLoads};
};

}  // namespace

std::unique_ptr<grpc::Service> MakeVideoService(VideoOperations& operations, ImportOperations& imports, VideoRepo& videos,
                                                EncodeRepo& encodes, WatchHub& hub, rpc::Authorizer authorizer) {
  return std::make_unique<VideoServiceImpl>(operations, imports, videos, encodes, hub, std::move(authorizer));
}

}  // namespace vora::metadata
