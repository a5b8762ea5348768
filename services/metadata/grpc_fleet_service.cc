#include <grpcpp/server_context.h>

#include "services/metadata/fleet_view.h"
#include "services/metadata/grpc_services.h"
#include "vora/metadata/v1/fleet.grpc.pb.h"

namespace vora::metadata {
namespace {

class FleetServiceImpl final : public v1::FleetService::Service {
 public:
  explicit FleetServiceImpl(FleetView& fleet) : fleet_(fleet) {}

  grpc::Status GetFleet(grpc::ServerContext*, const v1::GetFleetRequest*, v1::Fleet* response) override {
    *response = fleet_.Get();
    return grpc::Status::OK;
  }

 private:
  FleetView& fleet_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeFleetService(FleetView& fleet) { return std::make_unique<FleetServiceImpl>(fleet); }

}  // namespace vora::metadata
