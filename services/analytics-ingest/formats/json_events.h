#pragma once

// Events as JSON. One event object, an array of them, or {"events": [...], ...} whose other members are what each event has unless it says
// otherwise. Members are named as in the message PlaybackEvent; members that are not known are skipped, since players grow.

#include <string>

#include "libs/core/status.h"
#include "services/analytics-ingest/formats/batch.h"

namespace vora::analytics {

// INVALID_ARGUMENT: the body as a whole cannot be read, and where. OUT_OF_RANGE: more than `max_events`. `body` may be moved in memory.
Status ReadJsonEvents(std::string& body, int64_t max_events, Batch& batch);
// One event object a line; a line that cannot be read is refused like an invalid event.
Status ReadJsonLines(std::string& body, int64_t max_events, Batch& batch);

}  // namespace vora::analytics
