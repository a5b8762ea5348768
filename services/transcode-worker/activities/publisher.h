#pragma once

// Writes finished objects to the store. Media is write-once: a repeated activity finds its object there and takes it as done.

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "libs/storage/base/object_store.h"

namespace vora::transcode {

class Publisher {
 public:
  Publisher(storage::ObjectStore& store, std::chrono::milliseconds patience) : store_(store), patience_(patience) {}
  // Puts it unless it is there; returns the size of what is there. Waits out transient faults until `stopped`.
  StatusOr<int64_t> PutOnce(const std::string& key, std::string_view bytes, const std::string& content_type,
                            const std::function<bool()>& stopped) const;
  // Puts it unless it is there. FAILED_PRECONDITION when what is there has other bytes: an init segment decides how all segments of its
  // track are decoded, so a track is finished by the encoder that began it.
  Status PutSame(const std::string& key, std::string_view bytes, const std::string& content_type,
                 const std::function<bool()>& stopped) const;
  // Replaces what is there, unless already `stopped` (ABORTED: the task may be another worker's by now): only for playlists and manifests,
  // which change when a failed rendition is done later.
  Status Replace(const std::string& key, std::string_view bytes, const std::string& content_type,
                 const std::function<bool()>& stopped) const;
  // Size of the object, or NOT_FOUND.
  StatusOr<int64_t> SizeOf(const std::string& key, const std::function<bool()>& stopped) const;
  StatusOr<std::string> Get(const std::string& key, const std::function<bool()>& stopped) const;

 private:
  storage::ObjectStore& store_;
  std::chrono::milliseconds patience_;
};

}  // namespace vora::transcode
