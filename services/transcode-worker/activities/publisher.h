#pragma once

// Writes finished objects to the store. Media is write-once: a repeated activity finds its object there and takes it as done.

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "libs/storage/base/object_store.h"
#include "libs/workflow/worker/activity_worker.h"

namespace vora::transcode {

// The attempt that writes. No function: never.
struct Writer {
  std::function<bool()> stopping;  // ends the wait for a store that is away
  // The task may be another worker's by now, and its video deleted. Asked right before each write, as a worker that was frozen goes on in
  // the middle of whatever it was at, with what its children made in the meantime.
  std::function<bool()> disowned;
};
// `execution` must outlive it.
Writer WriterOf(const workflow::ActivityExecution& execution);

class Publisher {
 public:
  Publisher(storage::ObjectStore& store, std::chrono::milliseconds patience) : store_(store), patience_(patience) {}
  // Each waits out transient faults until the writer is stopping, and is ABORTED when it is disowned.
  // Puts it unless it is there; returns the size of what is there.
  StatusOr<int64_t> PutOnce(const std::string& key, std::string_view bytes, const std::string& content_type, const Writer& writer) const;
  // Puts it unless it is there. FAILED_PRECONDITION when what is there has other bytes: an init segment decides how all segments of its
  // track are decoded, so a track is finished by the encoder that began it.
  Status PutSame(const std::string& key, std::string_view bytes, const std::string& content_type, const Writer& writer) const;
  // Replaces what is there: only for playlists and manifests, which change when a failed rendition is done later.
  Status Replace(const std::string& key, std::string_view bytes, const std::string& content_type, const Writer& writer) const;
  // Size of the object, or NOT_FOUND.
  StatusOr<int64_t> SizeOf(const std::string& key, const std::function<bool()>& stopped) const;
  StatusOr<std::string> Get(const std::string& key, const std::function<bool()>& stopped) const;

 private:
  Status Put(const std::string& key, std::string_view bytes, const storage::PutOptions& options, const Writer& writer) const;

  storage::ObjectStore& store_;
  std::chrono::milliseconds patience_;
};

}  // namespace vora::transcode
