#pragma once

// The gRPC services of the metadata daemon. Everything given must outlive them, and they the server.

#include <memory>

#include <grpcpp/impl/service_type.h>

namespace vora::metadata {

class AnalyticsQueries;
class FleetView;
class PresentationRepo;
class VideoOperations;
class VideoRepo;
class ViewerErasure;
class WatchHub;

// WatchVideo is served by callbacks, so that any number of watchers hold no thread.
std::unique_ptr<grpc::Service> MakeVideoService(VideoOperations& operations, VideoRepo& videos, WatchHub& hub);
std::unique_ptr<grpc::Service> MakePlaybackService(PresentationRepo& presentations);
std::unique_ptr<grpc::Service> MakeFleetService(FleetView& fleet);
std::unique_ptr<grpc::Service> MakeUploadListener(VideoOperations& operations);
std::unique_ptr<grpc::Service> MakeAnalyticsService(AnalyticsQueries& queries, ViewerErasure& erasure);

}  // namespace vora::metadata
