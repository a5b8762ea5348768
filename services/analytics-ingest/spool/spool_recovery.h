#pragma once

// What is done with segments that a crash or a bad disk left behind.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "services/analytics-ingest/spool/spool_directory.h"

namespace vora::analytics {

// Renames `file` to `*.damaged`, with a text beside it that says why. With `salvage`, if the file is damaged, its intact rows are copied to
// a new sealed segment with a new batch id, which is returned; a crash at any instant makes at most one such copy.
StatusOr<std::optional<SegmentName>> QuarantineSegment(SpoolDirectory& directory, const std::string& file, std::string_view reason,
                                                       bool salvage);

struct RecoveryReport {
  int64_t torn_bytes = 0, recovered_rows = 0, quarantined = 0;
};
// Seals every open segment after its last whole record. Records after a gap mean damage, not a torn tail: then it is quarantined, and
// everything intact salvaged.
StatusOr<RecoveryReport> RecoverSpool(SpoolDirectory& directory);

}  // namespace vora::analytics
