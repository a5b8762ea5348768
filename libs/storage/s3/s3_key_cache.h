#pragma once

// Keys of a source for many threads: fetched by one of them when they are about to expire, while the others go on with those there are.

#include <condition_variable>
#include <memory>
#include <mutex>

#include "libs/core/clock.h"
#include "libs/storage/s3/s3_keys.h"

namespace vora::storage {

class S3KeyCache {
 public:
  S3KeyCache(std::unique_ptr<S3KeySource> source, const Clock& clock) : source_(std::move(source)), clock_(clock) {}

  // Keys that have not expired. They are replaced five minutes before that, or after half of a shorter life; a source that fails is asked
  // again every ten seconds, and meanwhile the old ones are used as long as they live. After that: what the source said (see S3KeySource),
  // and it is asked again at most once a second. Only what expires goes by the wall's clock: one that jumps holds nothing up.
  StatusOr<std::shared_ptr<const S3Keys>> Get();
  // The store refused `keys` with this code before their time: the next Get asks the source, but for ten seconds after it gave them, as
  // it would give the same ones. Others than the current ones have been replaced already. UNAVAILABLE with the reason `store_credentials`.
  Status Refused(const std::shared_ptr<const S3Keys>& keys, const std::string& code);

 private:
  bool Usable() const { return keys_ != nullptr && (!keys_->expires_at || clock_.Now() < *keys_->expires_at); }
  void Take(StatusOr<S3Keys> fetched);

  const std::unique_ptr<S3KeySource> source_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable fetched_;
  std::shared_ptr<const S3Keys> keys_;  // null: none yet, or refused
  SteadyTime taken_at_{};               // of keys_, also of those that were refused
  SteadyTime next_fetch_{};             // not before, as long as there are keys or a reason why there are none
  bool fetching_ = false;
  Status failed_;  // why there are none, or no newer ones
};

}  // namespace vora::storage
