#include <grpcpp/server_context.h>

#include "services/metadata/api/grpc_services.h"
#include "services/metadata/processing/fleet_view.h"
#include "vora/metadata/v1/fleet.grpc.pb.h"

namespace vora::metadata {
namespace {

class FleetServiceImpl final : public v1::FleetService::Service {
 public:
  FleetServiceImpl(FleetView& fleet, rpc::Gate gate) : fleet_(fleet), gate_(std::move(gate)) {}

  grpc::Status GetFleet(grpc::ServerContext* context, const v1::GetFleetRequest*, v1::Fleet* response) override {
    return gate_.Let(*context, {Scope::kOperate}, [&](const Caller&) {
      *response = fleet_.Get();
      return grpc::Status::OK;
    });
  }

 private:
  FleetView& fleet_;
  const rpc::Gate gate_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeFleetService(FleetView& fleet, rpc::Gate gate) {
  return std::make_unique<FleetServiceImpl>(fleet, std::move(gate));
}

}  // namespace vora::metadata
