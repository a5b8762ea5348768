#include "services/streaming-gateway/gateway_service.h"

#include "libs/core/ids.h"
#include "libs/rpc/status.h"
#include "vora/playback/v1/playback.grpc.pb.h"

namespace vora::gateway {
namespace {

constexpr int64_t kMaxTtlSeconds = 86'400;

class Service final : public playback::v1::GatewayService::Service {
 public:
  Service(const Access& access, rpc::Authorizer authorizer) : access_(access), authorizer_(std::move(authorizer)) {}

  grpc::Status MintPlaybackToken(grpc::ServerContext* context, const playback::v1::MintPlaybackTokenRequest* request,
                                 playback::v1::MintPlaybackTokenResponse* response) override {
    return authorizer_.Authorize(*context, {Scope::kFleet}, [&](const Caller&) {
      if (!IsId(request->video_id())) return rpc::ToGrpc(InvalidArgument("video_id must be 32 lower-case hex digits"));
      if (request->ttl_seconds() < 1 || request->ttl_seconds() > kMaxTtlSeconds) {
        return rpc::ToGrpc(InvalidArgument("ttl_seconds must be from 1 to 86400"));
      }
      int64_t expires_at = 0;
      auto token = access_.Mint(request->video_id(), std::chrono::seconds(request->ttl_seconds()), &expires_at);
      if (!token.ok()) return rpc::ToGrpc(token.status());
      response->set_token(*std::move(token));
      response->set_expires_at_unix(expires_at);
      return grpc::Status::OK;
    });
  }

 private:
  const Access& access_;
  const rpc::Authorizer authorizer_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeGatewayService(const Access& access, rpc::Authorizer authorizer) {
  return std::make_unique<Service>(access, std::move(authorizer));
}

}  // namespace vora::gateway
