#pragma once

// What a store honours, found out at start by writing and removing probe objects.

#include <string_view>

#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/storage/base/object_store.h"

namespace vora::storage {

// Conditional writes, without which nothing here is safe, and whatever else stores differ in: all of it in one line of the log and in
// vora_object_store_honours, of `raw` or `processed`. FAILED_PRECONDITION names the store, which condition it does not honour and what that
// costs (a zombie worker or a second replica could overwrite), also where something else could not be found out. Any other error: the
// store did not answer, and is to be asked again.
Status CheckStore(ObjectStore& store, std::string_view root, obs::Metrics& metrics);

}  // namespace vora::storage
