#pragma once

// What metadata says of videos, asked at most about once a second per video and never twice at the same time. While metadata is away the
// last answer lives on.

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "libs/core/clock.h"
#include "libs/core/lru_map.h"
#include "libs/core/status.h"
#include "libs/http/server/signal.h"
#include "libs/run/thread_pool.h"
#include "vora/playback/v1/playback.pb.h"

namespace vora::gateway {

// Blocks; any thread.
using PresentationSource = std::function<StatusOr<playback::v1::Presentation>(const std::string& video_id)>;

struct PresentationCacheOptions {
  std::chrono::milliseconds fresh{1000};  // also between two tries while metadata is away
  size_t max_videos = 512;
  size_t threads = 8;
};

// Thread-safe.
class PresentationCache {
 public:
  struct Answer {
    // OK: fresh. NOT_FOUND: no such video. Else metadata is away, and `presentation` is the last it said, if anything.
    Status status;
    std::shared_ptr<const playback::v1::Presentation> presentation;
  };

  PresentationCache(PresentationSource source, PresentationCacheOptions options, const Clock& clock);
  ~PresentationCache();
  boost::asio::awaitable<Answer> Get(std::string video_id);
  // Finishes the calls that are running. Call before the waiters' I/O threads go away.
  void Stop();

 private:
  struct Entry {
    Answer answer{Unavailable("metadata has not answered yet"), nullptr};
    SystemTime asked{};
    std::shared_ptr<http::Signal> asking;  // set while a call is running
  };
  Entry& Touch(const std::string& video_id);  // with mutex_ held
  void Complete(const std::string& video_id, StatusOr<playback::v1::Presentation> result);

  const PresentationSource source_;
  const PresentationCacheOptions options_;
  const Clock& clock_;
  std::mutex mutex_;
  LruMap<std::string, Entry> entries_;
  ThreadPool pool_;
};

// Asks PlaybackService at `target` (host:port), each call for at most `timeout`.
PresentationSource MetadataSource(const std::string& target, std::chrono::milliseconds timeout);

}  // namespace vora::gateway
