#include <grpcpp/server_context.h>

#include "libs/core/thread_pool.h"
#include "libs/rpc/status.h"
#include "services/metadata/grpc_services.h"
#include "services/metadata/grpc_watch_internal.h"
#include "services/metadata/video_operations.h"
#include "services/metadata/video_state.h"
#include "vora/metadata/v1/metadata.grpc.pb.h"

namespace vora::metadata {
namespace {

using Base = v1::VideoService::WithCallbackMethod_WatchVideo<v1::VideoService::Service>;
constexpr size_t kLoaders = 4;
constexpr size_t kMaxWaitingLoads = 10'000;

grpc::Status Answer(StatusOr<v1::Video> video, v1::Video* response) {
  if (!video.ok()) return rpc::ToGrpc(video.status());
  *response = *std::move(video);
  return grpc::Status::OK;
}

// Which of the two fields an update names. An empty mask means both.
struct UpdateFields {
  bool title = false, description = false;
};

StatusOr<UpdateFields> ParseMask(const google::protobuf::FieldMask& mask) {
  UpdateFields fields;
  for (const std::string& path : mask.paths()) {
    if (path == "title") {
      fields.title = true;
    } else if (path == "description") {
      fields.description = true;
    } else {
      return InvalidArgument("update_mask: only title and description can be changed, not " + Sanitise(path, 100));
    }
  }
  if (mask.paths_size() == 0) fields = {true, true};
  return fields;
}

class VideoServiceImpl final : public Base {
 public:
  VideoServiceImpl(VideoOperations& operations, VideoRepo& videos, WatchHub& hub) : operations_(operations), videos_(videos), hub_(hub) {}

  grpc::Status CreateVideo(grpc::ServerContext*, const v1::CreateVideoRequest* request, v1::Video* response) override {
    auto created = operations_.CreateFromRequest(kDefaultTenant, {request->upload_id(), request->title(), request->description()});
    if (!created.ok()) return rpc::ToGrpc(created.status());
    *response = std::move(created->video);
    return grpc::Status::OK;
  }

  grpc::Status GetVideo(grpc::ServerContext*, const v1::GetVideoRequest* request, v1::Video* response) override {
    return Answer(videos_.Get(kDefaultTenant, request->video_id()), response);
  }

  grpc::Status ListVideos(grpc::ServerContext*, const v1::ListVideosRequest* request, v1::ListVideosResponse* response) override {
    ListRequest list;
    list.page_size = request->page_size();
    list.page_token = request->page_token();
    list.query = request->query();
    if (request->state() != v1::VIDEO_STATE_UNSPECIFIED) {
      list.state = v1::VideoState_IsValid(request->state()) ? std::string(StateName(request->state())) : "unknown";
    }
    auto page = operations_.List(list);
    if (!page.ok()) return rpc::ToGrpc(page.status());
    for (auto& video : page->videos) *response->add_videos() = std::move(video);
    response->set_next_page_token(page->next_page_token);
    return grpc::Status::OK;
  }

  grpc::Status UpdateVideo(grpc::ServerContext*, const v1::UpdateVideoRequest* request, v1::Video* response) override {
    const auto fields = ParseMask(request->update_mask());
    if (!fields.ok()) return rpc::ToGrpc(fields.status());
    std::optional<std::string> title, description;
    if (fields->title) title = request->video().title();
    if (fields->description) description = request->video().description();
    if (title) {
      if (title->empty()) return rpc::ToGrpc(InvalidArgument("title: must not be empty"));
      if (const Status valid = CheckTitle(*title); !valid.ok()) return rpc::ToGrpc(valid);
    }
    if (description) {
      if (const Status valid = CheckDescription(*description); !valid.ok()) return rpc::ToGrpc(valid);
    }
    return Answer(videos_.Update(kDefaultTenant, request->video().video_id(), title, description), response);
  }

  grpc::Status DeleteVideo(grpc::ServerContext*, const v1::DeleteVideoRequest* request, v1::DeleteVideoResponse*) override {
    return rpc::ToGrpc(videos_.Delete(kDefaultTenant, request->video_id()));
  }

  grpc::Status CancelVideo(grpc::ServerContext*, const v1::CancelVideoRequest* request, v1::Video* response) override {
    return Answer(videos_.Cancel(kDefaultTenant, request->video_id()), response);
  }

  grpc::Status RetryVideo(grpc::ServerContext*, const v1::RetryVideoRequest* request, v1::Video* response) override {
    return Answer(videos_.Retry(kDefaultTenant, request->video_id()), response);
  }

  grpc::ServerWriteReactor<v1::Video>* WatchVideo(grpc::CallbackServerContext*, const v1::WatchVideoRequest* request) override {
    return StartWatch(videos_, hub_, loaders_, request->video_id());
  }

 private:
  VideoOperations& operations_;
  VideoRepo& videos_;
  WatchHub& hub_;
  ThreadPool loaders_{"watch-load", kLoaders, kMaxWaitingLoads};
};

}  // namespace

std::unique_ptr<grpc::Service> MakeVideoService(VideoOperations& operations, VideoRepo& videos, WatchHub& hub) {
  return std::make_unique<VideoServiceImpl>(operations, videos, hub);
}

}  // namespace vora::metadata
