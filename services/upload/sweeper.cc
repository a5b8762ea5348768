#include "services/upload/sweeper.h"

#include "libs/core/ids.h"
#include "libs/layout/layout.h"
#include "libs/log/log.h"

namespace vora::upload {
namespace {

// A marker without a state is a creation in progress, or one that crashed; after this long it is the latter.
constexpr int64_t kOrphanMarkerMs = 600'000;

}  // namespace

std::chrono::milliseconds Sweeper::Sweep() {
  const Status swept = SweepOnce(at_start_);
  if (swept.ok()) {
    at_start_ = false;
  } else {
    log::Warn("sweep ended early", {{"error", ToText(swept)}});
  }
  return options_.interval;
}

Status Sweeper::SweepOnce(bool at_start) {
  std::string token;
  do {
    VORA_ASSIGN_OR_RETURN(storage::ListPage page, repo_.store().List(layout::kOpenPrefix, token));
    for (const storage::ObjectInfo& marker : page.objects) {
      if (thread_.stopping()) return {};
      std::string id = marker.key.substr(sizeof(layout::kOpenPrefix) - 1);
      if (!IsId(id)) continue;
      Status swept = SweepUpload(id, ToUnixMs(repo_.clock().Now()) - marker.modified_unix_ms, at_start);
      // The store is away: all others would fail as well.
      if (swept.code() == StatusCode::kUnavailable) return swept;
      if (!swept.ok() && swept.code() != StatusCode::kAborted) {
        log::Error("upload cannot be swept", {{"upload_id", id}, {"error", ToText(swept)}});
      }
    }
    token = page.next_token;
  } while (!token.empty());
  return {};
}

Status Sweeper::SweepUpload(const std::string& upload_id, int64_t marker_age_ms, bool at_start) {
  StatusOr<Versioned> loaded = repo_.Load(upload_id);
  if (loaded.status().code() == StatusCode::kNotFound) {
    return marker_age_ms > kOrphanMarkerMs ? repo_.store().Delete(layout::OpenKey(upload_id)) : Status();
  }
  VORA_RETURN_IF_ERROR(loaded.status());
  Versioned current = *std::move(loaded);
  const int64_t now = ToUnixMs(repo_.clock().Now());
  // A crash came after the state and before the clean-up.
  if (current.doc.state == State::kUploaded) {
    VORA_RETURN_IF_ERROR(repo_.DropAllTails(upload_id));
    return repo_.store().Delete(layout::OpenKey(upload_id));
  }
  if (current.doc.state == State::kFailed) {
    VORA_RETURN_IF_ERROR(finisher_.FreeFailed(current));
    // Kept for a while, so that whoever asks is told why.
    return now - current.doc.updated_unix_ms > options_.remember.count() ? repo_.Purge(upload_id) : Status();
  }
  if (current.doc.awaits_finish()) {
    bool left_behind = at_start || now - current.doc.updated_unix_ms > options_.grace.count();
    return left_behind ? finisher_.Finish(std::move(current)).status() : Status();
  }
  if (!current.doc.expired(repo_.clock().Now())) return {};
  return finisher_.Fail(current, Failure::kExpired, "no byte arrived in time; the upload expired");
}

}  // namespace vora::upload
