#pragma once

// Tells other replicas which videos changed, over NOTIFY. A hint: who listens looks for missed changes as well. Thread-safe.

#include <string>
#include <vector>

namespace vora::metadata {

class Store;
class WatchHub;

class ChangeChannel {
 public:
  static constexpr char kName[] = "vora_metadata_videos";
  explicit ChangeChannel(Store& store);
  // Best effort.
  void Announce(const std::vector<std::string>& video_ids);
  // A payload of any replica; an empty one means that some may have been missed.
  void Receive(const std::string& payload, WatchHub& hub) const;

 private:
  Store& store_;
  const std::string replica_;
};

}  // namespace vora::metadata
