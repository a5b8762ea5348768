#pragma once

// Which sound tracks of a file can be heard: what a container says of them is not enough.

#include <map>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/media/base/byte_source.h"

namespace vora::media {

// Decodes the first sound of each of these streams. Gives of those that have none why, e.g. "is empty", by the stream's index. Reads on
// from the beginning of the file until each is known, at most 64 MiB, or 8 MiB once one was heard: of what has not shown itself by then
// nothing is said. Fails only when the source does.
StatusOr<std::map<int, std::string>> FindSilentStreams(ByteSource& source, const std::vector<int>& streams);

}  // namespace vora::media
