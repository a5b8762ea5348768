#pragma once

// S3's event messages, read. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/sources/source_spec.h"

namespace vora::metadata {

// The keys, below the source's root, of objects that the message says were made. What is of another bucket or folder, and what is not about
// new objects, is left out and counted. INVALID_ARGUMENT naming the field: no such message.
struct BucketEvents {
  std::vector<std::string> keys;
  int64_t ignored = 0;
};
StatusOr<BucketEvents> ParseBucketEvents(const sources::SourceSpec& source, std::string_view body);

}  // namespace vora::metadata
