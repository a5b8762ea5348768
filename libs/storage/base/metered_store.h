#pragma once

// Counts and times every call of a store; see metrics.h.

#include <memory>

#include "libs/storage/base/object_store.h"

namespace vora::obs {
class Metrics;
}

namespace vora::storage {

// `metrics` must outlive the store.
std::unique_ptr<ObjectStore> MeterObjectStore(std::unique_ptr<ObjectStore> store, obs::Metrics& metrics);

}  // namespace vora::storage
