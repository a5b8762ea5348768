#pragma once

// The gRPC services of the metadata daemon. Everything given must outlive them, and they the server. Each method asks the gate; answers
// are about the caller's tenant.

#include <memory>

#include <grpcpp/impl/service_type.h>

#include "libs/rpc/gate.h"

namespace vora::metadata {

class AnalyticsQueries;
class FleetView;
class PresentationRepo;
class VideoOperations;
class VideoRepo;
class ViewerErasure;
class WatchHub;

// WatchVideo is served by callbacks, so that any number of watchers hold no thread.
std::unique_ptr<grpc::Service> MakeVideoService(VideoOperations& operations, VideoRepo& videos, WatchHub& hub, rpc::Gate gate);
std::unique_ptr<grpc::Service> MakePlaybackService(PresentationRepo& presentations, rpc::Gate gate);
std::unique_ptr<grpc::Service> MakeFleetService(FleetView& fleet, rpc::Gate gate);
std::unique_ptr<grpc::Service> MakeUploadListener(VideoOperations& operations, rpc::Gate gate);
std::unique_ptr<grpc::Service> MakeAnalyticsService(AnalyticsQueries& queries, ViewerErasure& erasure, rpc::Gate gate);

}  // namespace vora::metadata
