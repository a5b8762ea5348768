#pragma once

// What a store honours, found out at start by writing and removing probe objects.

#include <string_view>

#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/storage/base/object_store.h"

namespace vora::storage {

// Conditional writes, without which nothing here is safe. FAILED_PRECONDITION names the store, what it does not honour and what that costs
// (a zombie worker or a second replica could overwrite).
Status CheckConditionalPut(ObjectStore& store);

// The same, and whatever else stores differ in: all of it in one line of the log and in vora_object_store_honours, of `raw` or `processed`.
// Only what CheckConditionalPut asks for is an error, or a store that does not answer.
Status CheckStore(ObjectStore& store, std::string_view root, obs::Metrics& metrics);

}  // namespace vora::storage
