#include "libs/core/ids.h"
#include "libs/layout/layout.h"
#include "libs/storage/base/object_store.h"

namespace vora::storage {
namespace {

// OK when `result` failed with `code`, as it must.
Status MustFail(const StatusOr<ObjectInfo>& result, StatusCode code, const std::string& lacking) {
  if (result.ok()) return FailedPrecondition(lacking);
  if (result.status().code() == code) return absl::OkStatus();
  // Some stores refuse the header itself (HTTP 501 or 400).
  const bool refused = result.status().code() == StatusCode::kUnimplemented || result.status().code() == StatusCode::kInvalidArgument;
  return refused ? FailedPrecondition(lacking + " (it answers: " + Message(result.status()) + ")") : result.status();
}

Status Probe(ObjectStore& store, const std::string& key) {
  PutOptions once;
  once.if_absent = true;
  VORA_ASSIGN_OR_RETURN(ObjectInfo first, store.Put(key, "1", once));
  VORA_RETURN_IF_ERROR(
      MustFail(store.Put(key, "2", once), StatusCode::kAlreadyExists,
               "does not honour If-None-Match: * (an object can be written twice). "
               "Cost: output is not write-once, so a worker that was given up for dead could overwrite published segments"));
  PutOptions swap;
  swap.if_match = first.etag;
  VORA_ASSIGN_OR_RETURN(ObjectInfo second, store.Put(key, "3", swap));
  VORA_RETURN_IF_ERROR(
      MustFail(store.Put(key, "4", swap), StatusCode::kAborted,
               "does not honour If-Match (an old ETag is let pass). "
               "Cost: two replicas of the upload daemon could overwrite each other's upload state and lose acknowledged bytes"));
  // A store that refuses every If-Match has passed so far: the right ETag must be let in.
  swap.if_match = second.etag;
  return store.Put(key, "5", swap).status();
}

}  // namespace

Status CheckConditionalPut(ObjectStore& store) {
  std::string key = layout::ProbeKey(NewId());
  Status probed = Probe(store, key);
  // Removed whatever was found out; that it could not be counts only when nothing else is wrong.
  Status removed = store.Delete(key);
  return Annotate(probed.ok() ? removed : probed, "object store " + store.Describe());
}

}  // namespace vora::storage
