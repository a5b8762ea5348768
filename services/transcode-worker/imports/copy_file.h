#pragma once

// The copy of a pinned file as an object of our store, part by part, so that it goes on after whatever broke it.

#include <functional>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/storage/base/object_store.h"
#include "services/transcode-worker/imports/origin.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::transcode {

// How large the parts of a file are: 10,000 of them hold it. `size` < 0: nobody knows.
int64_t CopyPartBytes(int64_t size);

class FileCopy {
 public:
  // `done`: what an earlier attempt has copied. `on_part` is told after each part, and `stopped` asked before the next.
  FileCopy(storage::ObjectStore& store, Origin& origin, const workflow::v1::CopyFileInput& input, const ImportOptions& options,
           workflow::v1::CopyFileCheckpoint done, std::function<void(const workflow::v1::CopyFileCheckpoint&)> on_part,
           std::function<bool()> stopped);

  // To the end; gives the bytes of the object. The kind `import.changed`: nothing of it may be used. CANCELLED: stopped; what was copied is
  // kept in the checkpoint.
  StatusOr<int64_t> Run();
  const workflow::v1::CopyFileCheckpoint& done() const { return done_; }

 private:
  StatusOr<int64_t> CopyRest();
  StatusOr<int64_t> FindCompleted();
  Status Take(std::string_view piece);
  Status UploadPart();
  StatusOr<int64_t> Finish();
  bool IsWhole() const;
  // The byte that is to be read next: after the parts that are made, and what there is of the next one.
  int64_t Reached() const { return done_.bytes() + static_cast<int64_t>(part_.size()); }

  storage::ObjectStore& store_;
  Origin& origin_;
  const workflow::v1::CopyFileInput& input_;
  const ImportOptions options_;
  workflow::v1::CopyFileCheckpoint done_;
  const std::function<void(const workflow::v1::CopyFileCheckpoint&)> on_part_;
  const std::function<bool()> stopped_;
  std::string part_;  // that is being filled
};

}  // namespace vora::transcode
