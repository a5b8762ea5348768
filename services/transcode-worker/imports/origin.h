#pragma once

// Where a file is brought in from. Errors that no repetition can cure are of the kinds `import.*` (libs/core/error.h), the others
// transient.

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "libs/core/status.h"
#include "libs/sources/sources.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::transcode {

struct ImportOptions {
  int64_t max_bytes = int64_t{5} << 40;
  bool allow_private = false;  // URLs of addresses that are not public
};

class Origin {
 public:
  virtual ~Origin() = default;
  // The file as it is now.
  virtual StatusOr<workflow::v1::PinnedFile> Pin() = 0;
  // Gives the bytes from `offset` to the end, in pieces, until `take` says no. The kind `import.changed` when it is another version by now.
  virtual Status Read(const workflow::v1::PinnedFile& file, int64_t offset, const std::function<Status(std::string_view)>& take) = 0;
};

// UNAVAILABLE: this worker does not know the source. `stopped` ends what waits; it must outlive the origin.
StatusOr<std::unique_ptr<Origin>> OpenOrigin(const workflow::v1::Origin& origin, const sources::Sources& sources,
                                             const ImportOptions& options, std::function<bool()> stopped);

}  // namespace vora::transcode
