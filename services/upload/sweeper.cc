#include "services/upload/sweeper.h"

#include <pthread.h>

#include "libs/core/ids.h"
#include "libs/layout/layout.h"
#include "libs/log/log.h"

namespace vora::upload {
namespace {

// A marker without a state is a creation in progress, or one that crashed; after this long it is the latter.
constexpr int64_t kOrphanMarkerMs = 600'000;

}  // namespace

void Sweeper::Start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "upload-sweep");
    bool at_start = true;
    do {
      if (Status swept = SweepOnce(at_start); !swept.ok()) {
        log::Warn("sweep ended early", {{"error", ToText(swept)}});
      } else {
        at_start = false;
      }
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, options_.interval, [this] { return stopping_; });
    } while (!stopping());
  });
}

void Sweeper::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Sweeper::stopping() {
  std::lock_guard lock(mutex_);
  return stopping_;
}

Status Sweeper::SweepOnce(bool at_start) {
  std::string token;
  do {
    VORA_ASSIGN_OR_RETURN(storage::ListPage page, repo_.store().List(layout::kOpenPrefix, token));
    for (const storage::ObjectInfo& marker : page.objects) {
      if (stopping()) return {};
      std::string id = marker.key.substr(sizeof(layout::kOpenPrefix) - 1);
      if (!IsId(id)) continue;
      Status swept = SweepUpload(id, ToUnixMs(repo_.clock().Now()) - marker.modified_unix_ms, at_start);
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
  if (current.doc.state == State::kUploaded) {
    VORA_RETURN_IF_ERROR(repo_.DropAllTails(upload_id));
    return repo_.store().Delete(layout::OpenKey(upload_id));
  }
  if (current.doc.state == State::kFailed) {
    VORA_RETURN_IF_ERROR(finisher_.FreeFailed(current));
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
