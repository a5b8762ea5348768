#include "libs/storage/copy/copy_listing.h"

#include <nlohmann/json.hpp>

#include "libs/core/digest.h"
#include "libs/layout/layout.h"
#include "libs/storage/base/key.h"

namespace vora::storage {
namespace {

using Only = CopyOptions::Only;

// The state as the upload daemon writes it.
bool IsFinal(const std::string& state) {
  const auto json = nlohmann::json::parse(state, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("state") || !json["state"].is_string()) return false;
  const auto& name = json["state"].get_ref<const std::string&>();
  return name == "UPLOADED" || name == "FAILED";
}

StatusOr<std::set<std::string>> UnfinishedUploads(ObjectStore& store) {
  std::set<std::string> ids;
  std::string token;
  do {
    VORA_ASSIGN_OR_RETURN(const ListPage page, store.List(layout::kOpenPrefix, token));
    for (const ObjectInfo& object : page.objects) {
      const std::string id(layout::FileOf(object.key));
      if (id.empty()) continue;
      VORA_ASSIGN_OR_RETURN(const bool unfinished, IsUnfinished(store, id));
      if (unfinished) ids.insert(id);
    }
    token = page.next_token;
  } while (!token.empty());
  return ids;
}

bool IsOfVora(std::string_view key) {
  return key.starts_with(layout::kProcessedPrefix) || key.starts_with(layout::kProbePrefix) || layout::UploadOf(key);
}

}  // namespace

// The mark goes after the last change of an upload, and stays when its daemon ends before that.
StatusOr<bool> IsUnfinished(ObjectStore& store, const std::string& upload_id) {
  const auto mark = store.Head(layout::OpenKey(upload_id));
  if (mark.status().code() == StatusCode::kNotFound) return false;
  VORA_RETURN_IF_ERROR(mark.status());
  const auto state = store.Get(layout::StateKey(upload_id));
  if (state.status().code() == StatusCode::kNotFound) return true;
  VORA_RETURN_IF_ERROR(state.status());
  return !IsFinal(*state);
}

bool IsCopied(std::string_view key, Only only) {
  // Markers of folders, as consoles make them.
  if (!ValidateKey(std::string(key)).ok()) return false;
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
    for (Unusable& one : page_.unusable) {
      if (IsCopied(one.key, only_)) damaged_.push_back(std::move(one));
    }
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
  holdings.damaged = listing.damaged();
  holdings.digest = hash.Finish();
  return holdings;
}

}  // namespace vora::storage
