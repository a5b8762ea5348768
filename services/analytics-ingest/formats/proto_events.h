#pragma once

// Events and delivery records as they come by gRPC. Pure.

#include "services/analytics-ingest/formats/batch.h"
#include "vora/analytics/v1/analytics.pb.h"

namespace vora::analytics {

void AddProtoEvent(const v1::PlaybackEvent& from, Batch& batch);
// The row's time is the record's, as long as that is at most an hour old: records are sent in batches, and a stall is explained by what was
// delivered around it.
void AddDelivery(const v1::DeliveryRecord& from, Batch& batch);

}  // namespace vora::analytics
