#include <grpcpp/server_context.h>

#include "services/metadata/api/grpc_services.h"
#include "services/metadata/processing/fleet_view.h"
#include "vora/metadata/v1/fleet.grpc.pb.h"

namespace vora::metadata {
namespace {

class FleetServiceImpl final : public v1::FleetService::Service {
 public:
  FleetServiceImpl(FleetView& fleet, rpc::Authorizer authorizer) : fleet_(fleet), authorizer_(std::move(authorizer)) {}

  grpc::Status GetFleet(grpc::ServerContext* context, const v1::GetFleetRequest*, v1::Fleet* response) override {
    return authorizer_.Authorize(*context, {Scope::kOperate}, [&](const Caller&) {
      *response = fleet_.Get();
      return grpc::Status::OK;
    });
  }

 private:
  FleetView& fleet_;
  const rpc::Authorizer authorizer_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeFleetService(FleetView& fleet, rpc::Authorizer authorizer) {
  return std::make_unique<FleetServiceImpl>(fleet, std::move(authorizer));
}

}  // namespace vora::metadata
