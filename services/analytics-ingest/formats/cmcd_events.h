#pragma once

// CMCD as events; the table is in this folder's README.

#include <string_view>

#include "libs/cmcd/cmcd.h"
#include "services/analytics-ingest/events/cmcd_sessions.h"
#include "services/analytics-ingest/formats/batch.h"

namespace vora::analytics {

// Of a request for an object (versions 1 and 2; query or headers): what was fetched.
void AddCmcdRequest(const StatusOr<cmcd::Cmcd>& parsed, Batch& batch);
// A body of event mode. OUT_OF_RANGE: more than `max_events` lines.
Status AddCmcdEvents(std::string_view body, int64_t max_events, CmcdSessions& sessions, Batch& batch);

// `.../720p/seg_3.m4s`: the rendition and the segment's index, where a URL names them so.
struct ObjectName {
  std::string_view rendition;
  int32_t segment_index = -1;
};
ObjectName NameOfObject(std::string_view url);

}  // namespace vora::analytics
