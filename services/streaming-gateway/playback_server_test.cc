#include "libs/rpc/server.h"
#include "libs/rpc/status.h"
#include "libs/run/lifecycle.h"
#include "libs/testing/status_matchers.h"
#include "services/streaming-gateway/fixture_test.h"
#include "vora/playback/v1/playback.grpc.pb.h"

namespace vora::gateway {

struct PlaybackServer::Impl final : playback::v1::PlaybackService::Service {
  explicit Impl(std::atomic<int>& call_count) : calls(call_count) { readiness.SetStarted(); }

  grpc::Status GetPresentation(grpc::ServerContext*, const playback::v1::GetPresentationRequest* request,
                               playback::v1::Presentation* response) override {
    ++calls;
    std::unique_lock lock(mutex);
    released.wait(lock, [&] { return !held; });
    const auto found = presentations.find(request->video_id());
    if (found == presentations.end()) return rpc::ToGrpc(NotFound("no such video"));
    *response = found->second;
    return grpc::Status::OK;
  }

  std::atomic<int>& calls;
  std::mutex mutex;
  std::condition_variable released;
  bool held = false;
  std::map<std::string, playback::v1::Presentation> presentations;
  Readiness readiness;
  obs::Metrics metrics;
  std::unique_ptr<rpc::Server> server;
};

PlaybackServer::PlaybackServer() : impl_(std::make_unique<Impl>(calls_)) { Start(); }

PlaybackServer::~PlaybackServer() {
  Release();
  Stop();
}

void PlaybackServer::Set(const playback::v1::Presentation& presentation) {
  std::lock_guard lock(impl_->mutex);
  impl_->presentations[presentation.video_id()] = presentation;
}

void PlaybackServer::Start() {
  rpc::ServerOptions options;
  options.listen = "127.0.0.1:" + std::to_string(port_);
  auto server = rpc::Server::Start(options, {impl_.get()}, impl_->readiness, impl_->metrics);
  ASSERT_THAT(server, IsOk());
  impl_->server = *std::move(server);
  port_ = impl_->server->port();
}

void PlaybackServer::Stop() { impl_->server.reset(); }

void PlaybackServer::Hold() {
  std::lock_guard lock(impl_->mutex);
  impl_->held = true;
}

void PlaybackServer::Release() {
  std::lock_guard lock(impl_->mutex);
  impl_->held = false;
  impl_->released.notify_all();
}

}  // namespace vora::gateway
