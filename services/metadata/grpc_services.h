#pragma once

// The gRPC services of the metadata daemon. Everything given must outlive them, and they the server.

#include <memory>

#include <grpcpp/impl/service_type.h>

namespace vora::metadata {

class FleetView;
class PresentationRepo;
class VideoOperations;
class VideoRepo;
class WatchHub;

// WatchVideo is served by callbacks, so that any number of watchers hold no thread.
std::unique_ptr<grpc::Service> MakeVideoService(VideoOperations& operations, VideoRepo& videos, WatchHub& hub);
std::unique_ptr<grpc::Service> MakePlaybackService(PresentationRepo& presentations);
std::unique_ptr<grpc::Service> MakeFleetService(FleetView& fleet);
std::unique_ptr<grpc::Service> MakeUploadListener(VideoOperations& operations);

}  // namespace vora::metadata
