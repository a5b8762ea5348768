#pragma once

// AnalyticsIngest over gRPC, for services inside the fleet.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "libs/core/status.h"
#include "services/analytics-ingest/intake.h"
#include "services/analytics-ingest/shipper.h"

namespace grpc {
class Service;
}

namespace vora::analytics {

// Erases a viewer known by any of these hashes, within the budget; blocks.
using ViewerEraser =
    std::function<StatusOr<Erased>(const std::string& tenant, const std::vector<std::string>& hashes, std::chrono::milliseconds budget)>;

// `intake` must outlive the service.
std::unique_ptr<grpc::Service> MakeIngestService(Intake& intake, ViewerEraser eraser);

}  // namespace vora::analytics
