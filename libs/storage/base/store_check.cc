#include "libs/storage/base/store_check.h"

#include <functional>
#include <optional>

#include "libs/core/ids.h"
#include "libs/layout/layout.h"
#include "libs/log/log.h"
#include "libs/storage/metrics.h"

namespace vora::storage {
namespace {

// What a store lacks, and what it answered.
Status Lacks(const std::string& lacking, const Status& answer) {
  return FailedPrecondition(lacking + (answer.ok() ? "" : " (it answers: " + Message(answer) + ")"));
}

// Some stores refuse the header itself (HTTP 501 or 400).
bool RefusesHeader(const Status& answer) {
  return answer.code() == StatusCode::kUnimplemented || answer.code() == StatusCode::kInvalidArgument;
}

// OK when `result` failed with `code`, as it must.
Status MustFail(const StatusOr<ObjectInfo>& result, StatusCode code, const std::string& lacking) {
  if (result.status().code() == code) return absl::OkStatus();
  return result.ok() || RefusesHeader(result.status()) ? Lacks(lacking, result.status()) : result.status();
}

// OK when the condition was let pass, as it must.
Status MustPass(const Status& answer, const std::string& lacking) {
  const bool failed = answer.code() == StatusCode::kAborted || answer.code() == StatusCode::kAlreadyExists;
  return failed || RefusesHeader(answer) ? Lacks(lacking, answer) : answer;
}

Status ProbeCreateOnly(ObjectStore& store, const std::string& key) {
  const std::string lacking =
      "does not honour If-None-Match: * (an object can be written twice). "
      "Cost: output is not write-once, so a worker that was given up for dead could overwrite published segments";
  PutOptions once;
  once.if_absent = true;
  VORA_RETURN_IF_ERROR(MustPass(store.Put(key, "1", once).status(), lacking));
  return MustFail(store.Put(key, "2", once), StatusCode::kAlreadyExists, lacking);
}

Status ProbeSwap(ObjectStore& store, const std::string& key) {
  const std::string cost = "Cost: two replicas of the upload daemon could overwrite each other's upload state and lose acknowledged bytes";
  const std::string refuses = "does not honour If-Match (the right ETag is refused). " + cost;
  VORA_ASSIGN_OR_RETURN(const ObjectInfo first, store.Put(key, "1", {}));
  PutOptions swap;
  swap.if_match = first.etag;
  const auto second = store.Put(key, "3", swap);
  VORA_RETURN_IF_ERROR(MustPass(second.status(), refuses));
  VORA_RETURN_IF_ERROR(
      MustFail(store.Put(key, "4", swap), StatusCode::kAborted, "does not honour If-Match (an old ETag is let pass). " + cost));
  swap.if_match = second->etag;
  return MustPass(store.Put(key, "5", swap).status(), refuses);
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

// nullopt: it is not known.
std::optional<bool> VerdictOf(const Status& probed) {
  if (probed.ok()) return true;
  return probed.code() == StatusCode::kFailedPrecondition ? std::optional<bool>(false) : std::nullopt;
}

log::Field Told(const char* what, std::optional<bool> honoured) {
  return honoured ? log::Field(what, *honoured) : log::Field(what, "unknown");
}

}  // namespace

Status CheckStore(ObjectStore& store, std::string_view root, obs::Metrics& metrics) {
  const Status create_only = CheckCreateOnly(store), swap = CheckSwap(store);
  std::optional<bool> ranges, lists_parts, checks_sums;
  const Status rest = WithProbeKey(store, [&](const std::string& key) -> Status {
    VORA_ASSIGN_OR_RETURN(ranges, HonoursRanges(store, key));
    VORA_ASSIGN_OR_RETURN(const Abilities abilities, store.FindAbilities(key));
    lists_parts = abilities.lists_parts;
    checks_sums = abilities.checks_sums;
    return {};
  });
  // What was found unsafe is so, whatever could not be found out.
  const bool unsafe = VerdictOf(create_only) == false || VerdictOf(swap) == false;
  for (const Status& probed : {create_only, swap, rest}) {
    if (!unsafe && !probed.ok()) return probed;
  }
  log::Info("object store", {{"store", store.Describe()},
                             {"root", std::string(root)},
                             Told("create_only", VerdictOf(create_only)),
                             Told("if_match", VerdictOf(swap)),
                             Told("ranges", ranges),
                             Told("part_listing", lists_parts),
                             Told("content_md5", checks_sums)});
  const auto tell = [&](const char* what, std::optional<bool> honoured) {
    if (honoured) kHonours.In(metrics, {std::string(root), what}).Set(*honoured ? 1 : 0);
  };
  tell("create_only", VerdictOf(create_only));
  tell("if_match", VerdictOf(swap));
  tell("ranges", ranges);
  tell("part_listing", lists_parts);
  tell("content_md5", checks_sums);
  return VerdictOf(create_only) == false ? create_only : swap;
}

}  // namespace vora::storage
