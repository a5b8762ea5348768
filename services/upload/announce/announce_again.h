#pragma once

// For after a restore: listeners whose database is older than the object store have forgotten uploads that they once acknowledged.

#include "libs/core/status.h"
#include "services/upload/state/upload_repo.h"

namespace vora::upload {

// Writes the announcement of every finished upload anew; running daemons deliver them (listeners know those that they have). The number of
// announcements. UNAVAILABLE when the store goes away midway: then repeat it.
StatusOr<int64_t> AnnounceAgain(UploadRepo& repo);

}  // namespace vora::upload
