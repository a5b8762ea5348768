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
  // and it is asked again at most once a second.
  StatusOr<std::shared_ptr<const S3Keys>> Get();
  // The store refused temporary keys as expired or unknown, before their time: the next Get asks the source. Others than the current ones
  // have been replaced already.
  void Refused(const std::shared_ptr<const S3Keys>& keys);

 private:
  bool Usable(SystemTime now) const { return keys_ != nullptr && (!keys_->expires_at || now < *keys_->expires_at); }
  void Take(StatusOr<S3Keys> fetched);

  const std::unique_ptr<S3KeySource> source_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable fetched_;
  std::shared_ptr<const S3Keys> keys_;  // null: none yet, or refused
  SystemTime next_fetch_{};             // not before
  bool fetching_ = false;
  Status failed_;  // the last try
};

}  // namespace vora::storage
