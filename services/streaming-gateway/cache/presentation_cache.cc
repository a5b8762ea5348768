#include "services/streaming-gateway/cache/presentation_cache.h"

#include <utility>

namespace vora::gateway {

PresentationCache::PresentationCache(PresentationSource source, PresentationCacheOptions options, const Clock& clock)
    : source_(std::move(source)), options_(options), clock_(clock), pool_("metadata", options.threads, 1024) {}

PresentationCache::~PresentationCache() { Stop(); }

void PresentationCache::Stop() { pool_.Stop(); }

PresentationCache::Entry& PresentationCache::Touch(const std::string& video_id) {
  const auto found = entries_.find(video_id);
  if (found != entries_.end()) {
    order_.splice(order_.end(), order_, found->second.order);
    return found->second;
  }
  for (auto it = order_.begin(); it != order_.end() && entries_.size() >= options_.max_videos;) {
    const auto oldest = entries_.find(*it);
    // Somebody waits for that answer.
    if (oldest->second.asking) {
      ++it;
      continue;
    }
    entries_.erase(oldest);
    it = order_.erase(it);
  }
  Entry& entry = entries_[video_id];
  entry.order = order_.insert(order_.end(), video_id);
  return entry;
}

boost::asio::awaitable<PresentationCache::Answer> PresentationCache::Get(std::string video_id) {
  std::shared_ptr<http::Signal> asking;
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    Entry& entry = Touch(video_id);
    if (!entry.asking && entry.asked != SystemTime{} && clock_.Now() - entry.asked < options_.fresh) co_return entry.answer;
    if (!entry.asking) {
      entry.asking = std::make_shared<http::Signal>();
      first = true;
    }
    asking = entry.asking;
  }
  if (first && !pool_.TrySubmit([this, video_id] { Complete(video_id, source_(video_id)); })) {
    Complete(video_id, ResourceExhausted("too many videos are being looked up"));
  }
  co_await asking->Wait();
  std::lock_guard lock(mutex_);
  co_return Touch(video_id).answer;
}

void PresentationCache::Complete(const std::string& video_id, StatusOr<playback::v1::Presentation> result) {
  std::shared_ptr<http::Signal> asking;
  {
    std::lock_guard lock(mutex_);
    Entry& entry = Touch(video_id);
    entry.asked = clock_.Now();
    entry.answer.status = result.status();
    if (result.ok()) {
      entry.answer.presentation = std::make_shared<const playback::v1::Presentation>(*std::move(result));
    } else if (result.status().code() == StatusCode::kNotFound) {
      entry.answer.presentation = nullptr;
    }
    asking = std::exchange(entry.asking, nullptr);
  }
  if (asking) asking->Fire();
}

}  // namespace vora::gateway
