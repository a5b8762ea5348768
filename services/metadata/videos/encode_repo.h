#pragma once

// Later encodes of videos in PostgreSQL. Thread-safe.

#include <chrono>
#include <string>

#include "libs/core/status.h"
#include "vora/metadata/v1/metadata.pb.h"

namespace vora::metadata {

class Store;

struct BegunEncode {
  v1::Encode encode;
  bool begun = false;  // false: it was under way
};

// For errors see VideoService.
class EncodeRepo {
 public:
  // `grace`: how long what players had stays when an encode takes its place.
  explicit EncodeRepo(Store& store, std::chrono::milliseconds grace = std::chrono::hours(24)) : store_(store), grace_(grace) {}
  StatusOr<BegunEncode> Begin(const std::string& tenant, const v1::EncodeVideoRequest& request);
  StatusOr<v1::ListEncodesResponse> List(const std::string& tenant, const std::string& video_id);
  StatusOr<v1::Encode> Cancel(const std::string& tenant, const v1::CancelEncodeRequest& request);
  // The id by which the orchestrator knows the encode of a video that is under way; empty: there is none.
  StatusOr<std::string> OpenRun(const std::string& video_id);
  // Sees to what a replica of the version before does not: encodes that it has recorded as READY take their place, and those of videos that
  // it has deleted are ended.
  Status MendOlder();
  // Begins to delete what encodes have replaced for long enough, and what those that failed or were cancelled have made. How many of
  // them: at most 100 at a time.
  StatusOr<int> DropReplaced();

 private:
  Store& store_;
  const std::chrono::milliseconds grace_;
};

}  // namespace vora::metadata
