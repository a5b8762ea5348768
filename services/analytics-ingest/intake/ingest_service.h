#pragma once

// AnalyticsIngest over gRPC, for services inside the fleet and for programs with a token: those write and erase for their own tenant only.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "libs/core/status.h"
#include "libs/rpc/authorizer.h"
#include "services/analytics-ingest/intake/intake.h"
#include "services/analytics-ingest/shipper/shipper.h"

namespace grpc {
class Service;
}

namespace vora::analytics {

// Erases a viewer known by any of these hashes, within the budget; blocks.
using ViewerEraser =
    std::function<StatusOr<Erased>(const std::string& tenant, const std::vector<std::string>& hashes, std::chrono::milliseconds budget)>;

// `intake` must outlive the service.
std::unique_ptr<grpc::Service> MakeIngestService(Intake& intake, ViewerEraser eraser, rpc::Authorizer authorizer);

}  // namespace vora::analytics
