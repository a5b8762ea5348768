#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "libs/storage/base/object_store.h"

namespace vora::storage {

// Asked between pieces; true ends the work (CANCELLED).
using Stopped = std::function<bool()>;
// So many bytes more have come from the source.
using OnBytes = std::function<void(int64_t bytes)>;

// Writes the object `key` of `from` into `to`, with its content type, and `mark` and its ETag as `copied_from`, in place of `replaced`;
// then reads it back and compares the SHA-256 of both. It appears whole or not at all. DATA_LOSS: what was read back is something else.
// ABORTED: it changed while it was read. ALREADY_EXISTS: what is there is not `replaced` any more.
Status CopyObject(ObjectStore& from, ObjectStore& to, const std::string& key, const std::string& mark,
                  const std::optional<ObjectInfo>& replaced, const OnBytes& on_bytes, const Stopped& stopped);

// The SHA-256 of the whole object, in hex.
StatusOr<std::string> HashObject(ObjectStore& store, const std::string& key, const Stopped& stopped);

}  // namespace vora::storage
