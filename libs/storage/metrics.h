#pragma once

// Every metric of the object store's calls. Calls of all kinds: put, open, head, delete, list, and those of multipart.

#include "libs/obs/family.h"

namespace vora::storage {

inline obs::FamilySet kMetrics{"libs/storage"};

inline const obs::CounterFamily kRequests{
    kMetrics, "vora_object_store_requests_total", "Calls of the object store, by operation and status.", {"op", "result"}};
inline const obs::HistogramFamily kDuration{
    kMetrics, "vora_object_store_duration_seconds", "Time a call of the object store took, its retries included.", {"op"}};
inline const obs::CounterFamily kBytes{
    kMetrics, "vora_object_store_bytes_total", "Bytes of objects read from and written to the object store.", {"direction"}};
inline const obs::CounterFamily kReadFailures{kMetrics, "vora_object_store_read_failures_total", "Reads of an open object that broke off."};
inline const obs::GaugeFamily kHonours{
    kMetrics,
    "vora_object_store_honours",
    "Whether the store of uploads (`raw`) or of what is made of them (`processed`) honours what it was asked for at the start of the "
    "daemon: create_only and if_match (conditional writes, which Vora needs), ranges, part_listing, content_md5.",
    {"root", "ability"}};

}  // namespace vora::storage
