#include "libs/storage/copy/copy_listing.h"

#include "libs/core/digest.h"
#include "libs/layout/layout.h"

namespace vora::storage {
namespace {

using Only = CopyOptions::Only;

StatusOr<std::set<std::string>> UnfinishedUploads(ObjectStore& store) {
  std::set<std::string> ids;
  std::string token;
  do {
    VORA_ASSIGN_OR_RETURN(const ListPage page, store.List(layout::kOpenPrefix, token));
    for (const ObjectInfo& object : page.objects) ids.emplace(layout::FileOf(object.key));
    token = page.next_token;
  } while (!token.empty());
  return ids;
}

bool IsOfVora(std::string_view key) {
  return key.starts_with(layout::kProcessedPrefix) || key.starts_with(layout::kProbePrefix) || layout::UploadOf(key);
}

}  // namespace

bool IsCopied(std::string_view key, Only only) {
  if (key.starts_with(layout::kProcessedPrefix)) return only != Only::kRaw;
  return only != Only::kProcessed && layout::UploadOf(key);
}

Listing::Listing(ObjectStore& store, Only only)
    : store_(store), only_(only), prefix_(only == Only::kProcessed ? layout::kProcessedPrefix : "") {}

StatusOr<std::optional<ObjectInfo>> Listing::Next() {
  const std::lock_guard lock(mutex_);
  while (true) {
    while (at_ < page_.objects.size()) {
      ObjectInfo& object = page_.objects[at_++];
      if (IsCopied(object.key, only_)) return std::optional<ObjectInfo>(std::move(object));
      if (!IsOfVora(object.key)) ++foreign_;
    }
    if (begun_ && page_.next_token.empty()) return std::optional<ObjectInfo>();
    VORA_ASSIGN_OR_RETURN(page_, store_.List(prefix_, page_.next_token));
    begun_ = true;
    at_ = 0;
  }
}

bool Holdings::IsOfUnfinished(std::string_view key) const {
  const auto upload = layout::UploadOf(key);
  return upload && unfinished.contains(*upload);
}

StatusOr<Holdings> LookAt(ObjectStore& store, Only only, const Stopped& stopped) {
  Holdings holdings;
  if (only != Only::kProcessed) {
    VORA_ASSIGN_OR_RETURN(holdings.unfinished, UnfinishedUploads(store));
  }
  Listing listing(store, only);
  Sha256State hash;
  while (true) {
    if (stopped()) return Cancelled("interrupted");
    VORA_ASSIGN_OR_RETURN(const auto next, listing.Next());
    if (!next) break;
    if (holdings.IsOfUnfinished(next->key)) {
      ++holdings.left_out;
      continue;
    }
    ++holdings.objects;
    holdings.bytes += next->size;
    if (next->key.starts_with(layout::kProcessedPrefix)) ++holdings.processed;
    hash.Update(next->key + '\n' + std::to_string(next->size) + '\n' + next->etag + '\n');
  }
  holdings.foreign = listing.foreign();
  holdings.digest = hash.Finish();
  return holdings;
}

}  // namespace vora::storage
