#include "services/streaming-gateway/cache/presentation_cache.h"

#include <utility>

namespace vora::gateway {

PresentationCache::PresentationCache(PresentationSource source, PresentationCacheOptions options, const Clock& clock)
    : source_(std::move(source)), options_(options), clock_(clock), pool_("metadata", options.threads, 1024) {}

PresentationCache::~PresentationCache() { Stop(); }

void PresentationCache::Stop() { pool_.Stop(); }

PresentationCache::Entry& PresentationCache::Touch(const std::string& video_id) {
  if (Entry* known = entries_.Use(video_id)) return *known;
  entries_.Sweep([this](const std::string&, const Entry& entry) {
    if (entries_.size() < options_.max_videos) return LruVerdict::kStop;
    // Somebody waits for the answer of one that is being asked.
    return entry.asking ? LruVerdict::kKeep : LruVerdict::kDrop;
  });
  return entries_.Insert(video_id, {});
}

boost::asio::awaitable<PresentationCache::Answer> PresentationCache::Get(std::string video_id) {
  std::shared_ptr<http::Signal> asking;
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    Entry& entry = Touch(video_id);
    // A failure counts as an answer here: while metadata is away it is asked no more often.
    if (!entry.asking && entry.asked != SystemTime{} && clock_.Now() - entry.asked < options_.fresh) co_return entry.answer;
    if (!entry.asking) {
      entry.asking = std::make_shared<http::Signal>();
      first = true;
    }
    asking = entry.asking;
  }
  // Without the lock, which the answer needs.
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
      // Any other failure says nothing of the video: then the last answer lives on.
      entry.answer.presentation = nullptr;
    }
    asking = std::exchange(entry.asking, nullptr);
  }
  if (asking) asking->Fire();
}

}  // namespace vora::gateway
