#pragma once

// Live changes of videos: one feed for every watcher of this process. It is told of changes in process and by other replicas, and
// looks for missed ones itself now and then. Each changed video is loaded once, whatever the number of watchers. Thread-safe.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "libs/core/status.h"
#include "libs/run/periodic.h"
#include "services/metadata/videos/video_repo.h"
#include "vora/metadata/v1/metadata.pb.h"

namespace vora::metadata {

struct Change {
  std::string video_id;
  std::shared_ptr<const v1::Video> video;  // nullptr: deleted
};

struct WatchSources {
  std::function<StatusOr<v1::Video>(const std::string& video_id)> load;         // NOT_FOUND: deleted
  std::function<StatusOr<std::string>(const std::string& video_id)> tenant_of;  // also of a deleted one
  std::function<StatusOr<std::vector<VideoVersion>>(int64_t after, int limit)> changes_after;
  std::function<StatusOr<int64_t>()> newest_version;
  std::function<void(const std::vector<std::string>& video_ids)> announce;  // to other replicas; best effort
};

class WatchHub {
 public:
  // Called on the hub's thread; must be quick. `closed` once, when the hub stops.
  class Watcher {
   public:
    virtual ~Watcher() = default;
    virtual void OnChange(const Change& change) = 0;
    virtual void OnClosed() = 0;
  };

  explicit WatchHub(WatchSources sources, std::chrono::milliseconds poll = std::chrono::milliseconds(2000));
  ~WatchHub();
  // Notes where the feed stands (one read) before anyone can watch.
  void Start();
  // Tells every watcher that it is over. Safe to call twice.
  void Stop();

  // `video_id` empty: every video of `tenant`; a video of another tenant says nothing. Watched until Unwatch or Stop; a watcher added after
  // Stop is closed at once.
  void Watch(const std::string& tenant, const std::string& video_id, std::shared_ptr<Watcher> watcher);
  void Unwatch(const std::shared_ptr<Watcher>& watcher);
  size_t watchers() const;

  // A change made by this replica: watchers here and other replicas are told.
  void Changed(const std::string& video_id);
  // Changes made elsewhere; none named: look for missed ones.
  void ChangedElsewhere(const std::vector<std::string>& video_ids);

 private:
  struct Entry {
    std::string tenant, video_id;
    std::shared_ptr<Watcher> watcher;
  };
  std::chrono::milliseconds Step();
  void RememberPresent();
  void FindMissed();
  // False when the video could not be loaded now.
  bool Deliver(const std::string& video_id);
  bool HasWatchers() const;

  const WatchSources sources_;
  const std::chrono::milliseconds poll_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  std::set<std::string> changed_;  // to load
  std::set<std::string> to_announce_;
  bool look_for_missed_ = false;
  bool closed_ = false;
  // Of the hub's thread only.
  int64_t seen_version_ = -1;                      // of the feed; -1: not read yet
  std::unordered_map<std::string, int64_t> seen_;  // of the feed, by video
  std::unordered_map<std::string, int64_t> delivered_;
  std::chrono::steady_clock::time_point last_look_{};
  std::chrono::steady_clock::time_point last_announce_{};
  Periodic thread_;
};

}  // namespace vora::metadata
