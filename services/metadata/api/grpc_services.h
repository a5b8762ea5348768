#pragma once

// The gRPC services of the metadata daemon. Everything given must outlive them, and they the server. Each method asks the authorizer;
// answers are about the caller's tenant.

#include <memory>

#include <grpcpp/impl/service_type.h>

#include "libs/rpc/authorizer.h"

namespace vora::metadata {

class AnalyticsQueries;
class EncodeRepo;
class FleetView;
class ImportOperations;
class LadderOperations;
class PresentationRepo;
class SourceOperations;
class SubscriptionRepo;
class VideoOperations;
class VideoRepo;
class ViewerErasure;
class WatchHub;

// WatchVideo is served by callbacks, so that any number of watchers hold no thread.
std::unique_ptr<grpc::Service> MakeVideoService(VideoOperations& operations, ImportOperations& imports, VideoRepo& videos,
                                                EncodeRepo& encodes, WatchHub& hub, rpc::Authorizer authorizer);
std::unique_ptr<grpc::Service> MakeSourceService(SourceOperations& sources, rpc::Authorizer authorizer);
std::unique_ptr<grpc::Service> MakeLadderService(LadderOperations& ladders, rpc::Authorizer authorizer);
std::unique_ptr<grpc::Service> MakeEventService(SubscriptionRepo& subscriptions, ImportOperations& imports, rpc::Authorizer authorizer);
std::unique_ptr<grpc::Service> MakePlaybackService(PresentationRepo& presentations, rpc::Authorizer authorizer);
std::unique_ptr<grpc::Service> MakeFleetService(FleetView& fleet, rpc::Authorizer authorizer);
std::unique_ptr<grpc::Service> MakeUploadListener(VideoOperations& operations, rpc::Authorizer authorizer);
std::unique_ptr<grpc::Service> MakeAnalyticsService(AnalyticsQueries& queries, ViewerErasure& erasure, rpc::Authorizer authorizer);

}  // namespace vora::metadata
