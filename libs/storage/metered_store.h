#pragma once

// Counts and times every call of a store: vora_object_store_requests_total{op,result}, vora_object_store_duration_seconds{op}.

#include <memory>

#include "libs/storage/object_store.h"

namespace vora::storage {

// `metrics` must outlive the store.
std::unique_ptr<ObjectStore> MeterObjectStore(std::unique_ptr<ObjectStore> store, obs::Metrics& metrics);

}  // namespace vora::storage
