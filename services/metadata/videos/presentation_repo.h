#pragma once

// What the gateway needs for manifests. Thread-safe.

#include <string>

#include "libs/core/status.h"
#include "vora/playback/v1/playback.pb.h"

namespace vora::metadata {

class Store;

class PresentationRepo {
 public:
  explicit PresentationRepo(Store& store) : store_(store) {}
  // Segments of each track up to the first gap. NOT_FOUND: no such video, or deleted.
  StatusOr<playback::v1::Presentation> Get(const std::string& video_id);

 private:
  Store& store_;
};

}  // namespace vora::metadata
