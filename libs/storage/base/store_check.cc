#include "libs/storage/base/store_check.h"

#include <functional>

#include "libs/core/ids.h"
#include "libs/layout/layout.h"
#include "libs/log/log.h"
#include "libs/storage/metrics.h"

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

Status ProbeCreateOnly(ObjectStore& store, const std::string& key) {
  PutOptions once;
  once.if_absent = true;
  VORA_RETURN_IF_ERROR(store.Put(key, "1", once).status());
  return MustFail(store.Put(key, "2", once), StatusCode::kAlreadyExists,
                  "does not honour If-None-Match: * (an object can be written twice). "
                  "Cost: output is not write-once, so a worker that was given up for dead could overwrite published segments");
}

Status ProbeSwap(ObjectStore& store, const std::string& key) {
  VORA_ASSIGN_OR_RETURN(const ObjectInfo first, store.Put(key, "1", {}));
  PutOptions swap;
  swap.if_match = first.etag;
  VORA_ASSIGN_OR_RETURN(const ObjectInfo second, store.Put(key, "3", swap));
  VORA_RETURN_IF_ERROR(
      MustFail(store.Put(key, "4", swap), StatusCode::kAborted,
               "does not honour If-Match (an old ETag is let pass). "
               "Cost: two replicas of the upload daemon could overwrite each other's upload state and lose acknowledged bytes"));
  // A store that refuses every If-Match has passed so far: the right ETag must be let in.
  swap.if_match = second.etag;
  return store.Put(key, "5", swap).status();
}

StatusOr<bool> HonoursRanges(ObjectStore& store, const std::string& key) {
  VORA_RETURN_IF_ERROR(store.Put(key, "0123456789", {}).status());
  const auto reader = store.Open(key, 3, 4);
  if (!reader.ok()) {
    if (reader.status().code() == StatusCode::kInternal) return false;
    return reader.status();
  }
  char bytes[16];
  VORA_ASSIGN_OR_RETURN(const size_t read, (*reader)->Read(bytes, sizeof bytes));
  return std::string_view(bytes, read) == "3456";
}

// Runs `probe` with a key of its own, which is removed whatever was found out; that it could not be counts only when nothing else is wrong.
Status WithProbeKey(ObjectStore& store, const std::function<Status(const std::string& key)>& probe) {
  const std::string key = layout::ProbeKey(NewId());
  Status probed = probe(key);
  Status removed = store.Delete(key);
  return Annotate(probed.ok() ? removed : probed, "object store " + store.Describe());
}

Status CheckCreateOnly(ObjectStore& store) {
  return WithProbeKey(store, [&](const std::string& key) { return ProbeCreateOnly(store, key); });
}

Status CheckSwap(ObjectStore& store) {
  return WithProbeKey(store, [&](const std::string& key) { return ProbeSwap(store, key); });
}

bool IsVerdict(const Status& status) { return status.ok() || status.code() == StatusCode::kFailedPrecondition; }

}  // namespace

Status CheckConditionalPut(ObjectStore& store) {
  VORA_RETURN_IF_ERROR(CheckCreateOnly(store));
  return CheckSwap(store);
}

Status CheckStore(ObjectStore& store, std::string_view root, obs::Metrics& metrics) {
  const Status create_only = CheckCreateOnly(store);
  if (!IsVerdict(create_only)) return create_only;
  const Status swap = CheckSwap(store);
  if (!IsVerdict(swap)) return swap;
  bool ranges = false;
  Abilities abilities;
  VORA_RETURN_IF_ERROR(WithProbeKey(store, [&](const std::string& key) -> Status {
    VORA_ASSIGN_OR_RETURN(ranges, HonoursRanges(store, key));
    VORA_ASSIGN_OR_RETURN(abilities, store.FindAbilities(key));
    return {};
  }));
  log::Info("object store", {{"store", store.Describe()},
                             {"root", std::string(root)},
                             {"create_only", create_only.ok()},
                             {"if_match", swap.ok()},
                             {"ranges", ranges},
                             {"part_listing", abilities.lists_parts},
                             {"content_md5", abilities.checks_sums}});
  const auto tell = [&](const char* what, bool honoured) { kHonours.In(metrics, {std::string(root), what}).Set(honoured ? 1 : 0); };
  tell("create_only", create_only.ok());
  tell("if_match", swap.ok());
  tell("ranges", ranges);
  tell("part_listing", abilities.lists_parts);
  tell("content_md5", abilities.checks_sums);
  return create_only.ok() ? swap : create_only;
}

}  // namespace vora::storage
