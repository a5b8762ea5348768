#pragma once

// Who watches now: one poller for all who listen, at rest while nobody does. Thread-safe.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libs/run/periodic.h"
#include "services/metadata/analytics/analytics_reader.h"
#include "services/metadata/videos/video_facts_repo.h"

namespace vora::metadata {

class LiveViewers {
 public:
  // Who listens. `wake` is called on any thread, without locks, when there is something new to Take.
  class Listener {
   public:
    // To the viewers of `tenant`'s videos.
    Listener(std::string tenant, std::function<void()> wake) : tenant_(std::move(tenant)), wake_(std::move(wake)) {}

   private:
    friend class LiveViewers;
    const std::string tenant_;
    const std::function<void()> wake_;
    uint64_t seen_ = 0;
  };

  // `reader` is the poller's own, so that people's requests do not hold it up. `videos` tells whose a video is; nullptr: all are of one
  // tenant.
  LiveViewers(AnalyticsReader& reader, VideoFactsRepo* videos, std::chrono::milliseconds interval = std::chrono::seconds(2));
  ~LiveViewers();  // Stop
  void Start();
  // Tells every listener that it is over. Safe to call twice.
  void Stop();

  void Listen(std::shared_ptr<Listener> listener);
  void Leave(const std::shared_ptr<Listener>& listener);
  // The newest message of the event stream if the listener has not had it: {"viewers_now":N,"videos":[{"video_id":...,"viewers_now":n}]},
  // or, once, the event `unavailable` with {"message":...}. Empty: none.
  std::string Take(Listener& listener);
  bool closed() const;
  size_t listeners() const;

 private:
  std::chrono::milliseconds Step();
  std::string Load(const std::string& tenant);
  struct Message {
    std::string text;
    uint64_t number = 0;
  };
  AnalyticsReader& reader_;
  VideoFactsRepo* const videos_;
  const std::chrono::milliseconds interval_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::map<std::string, Message> messages_;  // the newest of each tenant that somebody listens to
  uint64_t number_ = 0;                      // of the newest message
  bool closed_ = false;
  Periodic thread_;
};

}  // namespace vora::metadata
