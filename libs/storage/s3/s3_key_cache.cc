#include "libs/storage/s3/s3_key_cache.h"

#include <algorithm>

#include "libs/core/error.h"
#include "libs/log/log.h"

namespace vora::storage {
namespace {

using std::chrono::seconds;

constexpr seconds kAhead{300}, kPauseWhileUsable{10}, kPauseWithout{1}, kPauseAfterRefusal{10};

Status Expired(SystemTime at) {
  return MakeError(errors::kStoreCredentials, "object store credentials: those that were handed out expired at " +
                                                  FormatRfc3339Seconds(at) + "; the clock of this machine may be wrong");
}

}  // namespace

StatusOr<std::shared_ptr<const S3Keys>> S3KeyCache::Get() {
  std::unique_lock lock(mutex_);
  while (true) {
    const bool usable = Usable(), early = clock_.Steady() < next_fetch_;
    if (usable && (fetching_ || early || !keys_->expires_at)) return keys_;
    if (!usable && !fetching_ && !failed_.ok() && early) return failed_;
    if (!fetching_) break;
    fetched_.wait(lock, [&] { return !fetching_; });
    if (!failed_.ok() && !Usable()) return failed_;
  }
  fetching_ = true;
  lock.unlock();
  auto fetched = source_->Fetch();
  lock.lock();
  fetching_ = false;
  Take(std::move(fetched));
  fetched_.notify_all();
  if (Usable()) return keys_;
  return failed_;
}

void S3KeyCache::Take(StatusOr<S3Keys> fetched) {
  const SystemTime now = clock_.Now();
  const SteadyTime steady = clock_.Steady();
  if (fetched.ok() && fetched->expires_at && *fetched->expires_at <= now) fetched = Expired(*fetched->expires_at);
  if (fetched.ok()) {
    if (!failed_.ok()) log::Info("object store credentials are handed out again", {});
    failed_ = absl::OkStatus();
    keys_ = std::make_shared<const S3Keys>(*std::move(fetched));
    taken_at_ = steady;
    if (keys_->expires_at) {
      const auto life = *keys_->expires_at - now;
      // At least a second, as a source may give the same ones until shortly before their end.
      next_fetch_ = steady + std::max<SystemTime::duration>(life - std::min<SystemTime::duration>(kAhead, life / 2), seconds(1));
    }
    return;
  }
  failed_ = fetched.status();
  const bool usable = Usable();
  next_fetch_ = steady + (usable ? kPauseWhileUsable : kPauseWithout);
  log::Warn("object store credentials could not be replaced", {{"error", ToText(failed_)}, {"old_ones_still_valid", usable}});
}

Status S3KeyCache::Refused(const std::shared_ptr<const S3Keys>& keys, const std::string& code) {
  const bool fixed = !keys->expires_at;
  const Status refused =
      MakeError(errors::kStoreCredentials,
                "object store credentials: the store refuses " +
                    (fixed ? "the keys that are set (" + code + "): set new ones and restart, or let a role give them (VORA_S3_CREDENTIALS)"
                           : "those that were handed out (" + code + ")"));
  const std::lock_guard lock(mutex_);
  if (fixed || keys_ != keys) return refused;
  keys_ = nullptr;
  next_fetch_ = taken_at_ + kPauseAfterRefusal;
  failed_ = refused;
  log::Warn("object store credentials are refused before their time", {{"error", ToText(refused)}});
  return refused;
}

}  // namespace vora::storage
