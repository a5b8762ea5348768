#pragma once

// An object whose beginning is known only when all of the rest is written: its first part is kept back until then.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/storage/base/object_store.h"
#include "services/transcode-worker/activities/publisher.h"

namespace vora::transcode {

struct UploadedObject {
  std::string key;
  std::string content_type;
  int64_t head_bytes = 0;  // at its beginning
  int64_t size = 0;        // of it all, at most
};

// Holds two parts in memory. Waits out faults of the store as Publisher does, and is ABORTED when the writer is disowned.
class HeadLastUpload {
 public:
  // `begun` is told the id of the multipart upload, once there is one: of an attempt that died it is to be aborted.
  HeadLastUpload(storage::ObjectStore& store, std::chrono::milliseconds patience, Writer writer, UploadedObject object,
                 std::function<void(const std::string& multipart_id)> begun);
  Status Append(std::string_view bytes);
  // `head`: of head_bytes. The object is there, whole, when it returns OK with its size.
  StatusOr<int64_t> Finish(std::string_view head);
  // Leaves nothing in the store, as far as it can be reached.
  void Abandon();

 private:
  Status Upload(int number, std::string_view bytes);
  Status Patiently(const std::function<Status()>& op) const;

  storage::ObjectStore& store_;
  const std::chrono::milliseconds patience_;
  const Writer writer_;
  const UploadedObject object_;
  const std::function<void(const std::string&)> begun_;
  const size_t part_bytes_;
  std::string first_;  // part
  std::string part_;   // that is being filled
  std::string multipart_id_;
  std::vector<storage::CompletedPart> parts_;  // from the second on
  int64_t bytes_ = 0;
};

}  // namespace vora::transcode
