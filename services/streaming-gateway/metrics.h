#pragma once

// Every metric of the streaming gateway, beside those of the libraries it uses.

#include "libs/obs/family.h"

namespace vora::gateway {

inline obs::FamilySet kMetrics{"services/streaming-gateway"};

inline const obs::CounterFamily kCacheRequests{kMetrics,
                                               "vora_gateway_cache_total",
                                               "Object requests by what the memory cache did with them: hit, coalesced, miss, bypass.",
                                               {"result"}};
inline const obs::GaugeFamily kCacheBytes{kMetrics, "vora_gateway_cache_bytes",
                                          "Memory of the objects that the cache or a client held at the last fetch."};
inline const obs::GaugeFamily kCacheCapacity{kMetrics, "vora_gateway_cache_capacity_bytes", "The most memory that these may have."};
inline const obs::CounterFamily kOriginFetches{kMetrics, "vora_gateway_origin_fetch_total", "Objects opened in the object store."};
inline const obs::CounterFamily kBytes{kMetrics, "vora_gateway_bytes_total", "Object bytes sent to clients."};
inline const obs::CounterFamily kRecordsSent{kMetrics, "vora_gateway_delivery_records_sent_total",
                                             "Delivery records that the analytics accepted."};
inline const obs::CounterFamily kRecordsDropped{kMetrics,
                                                "vora_gateway_delivery_records_dropped_total",
                                                "Delivery records that never reached the analytics: queue_full, refused, shutdown.",
                                                {"reason"}};

}  // namespace vora::gateway
