#pragma once

// One WatchVideo call as a callback reactor. Heavy (gRPC).

#include <string>

#include <grpcpp/support/server_callback.h>

#include "libs/run/thread_pool.h"
#include "services/metadata/videos/video_repo.h"
#include "services/metadata/videos/watch_hub.h"

namespace vora::metadata {

// Owns itself until the call is done. The first state is loaded in `loaders`, never on gRPC's threads.
grpc::ServerWriteReactor<v1::Video>* StartWatch(VideoRepo& videos, WatchHub& hub, ThreadPool& loaders, const std::string& tenant,
                                                const std::string& video_id);

}  // namespace vora::metadata
