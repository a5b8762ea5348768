#include "services/metadata/videos/watch_hub.h"

#include <algorithm>
#include <utility>

namespace vora::metadata {
namespace {

// Versions are drawn before their transactions commit, so a lower one may show up later than a higher one.
constexpr int64_t kVersionOverlap = 200;
constexpr int kMissedPerLook = 1000;
constexpr size_t kRemembered = 10'000;
constexpr std::chrono::milliseconds kAnnouncePause{100};

}  // namespace

WatchHub::WatchHub(WatchSources sources, std::chrono::milliseconds poll)
    : sources_(std::move(sources)), poll_(poll), thread_("watch", [this] { return Step(); }) {}

WatchHub::~WatchHub() { Stop(); }

void WatchHub::Start() {
  RememberPresent();
  thread_.Start();
}

void WatchHub::Stop() {
  // The thread first: after OnClosed no OnChange may come.
  thread_.Stop();
  std::vector<Entry> entries;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    entries.swap(entries_);
  }
  for (const Entry& entry : entries) entry.watcher->OnClosed();
}

void WatchHub::Watch(const std::string& tenant, const std::string& video_id, std::shared_ptr<Watcher> watcher) {
  {
    const std::lock_guard lock(mutex_);
    if (!closed_) {
      entries_.push_back({tenant, video_id, watcher});
      watcher = nullptr;
    }
  }
  // Without the lock, as a watcher may come back here.
  if (watcher) watcher->OnClosed();
}

void WatchHub::Unwatch(const std::shared_ptr<Watcher>& watcher) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const Entry& entry) { return entry.watcher == watcher; });
}

size_t WatchHub::watchers() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

bool WatchHub::HasWatchers() const { return watchers() > 0; }

void WatchHub::Changed(const std::string& video_id) {
  {
    const std::lock_guard lock(mutex_);
    changed_.insert(video_id);
    to_announce_.insert(video_id);
  }
  thread_.Wake();
}

void WatchHub::ChangedElsewhere(const std::vector<std::string>& video_ids) {
  {
    const std::lock_guard lock(mutex_);
    changed_.insert(video_ids.begin(), video_ids.end());
    if (video_ids.empty()) look_for_missed_ = true;
  }
  thread_.Wake();
}

std::chrono::milliseconds WatchHub::Step() {
  const auto now = std::chrono::steady_clock::now();
  std::set<std::string> changed;
  std::vector<std::string> announce;
  bool look = now - last_look_ >= poll_;
  {
    const std::lock_guard lock(mutex_);
    changed.swap(changed_);
    look = std::exchange(look_for_missed_, false) || look;
    // Coalesced: a NOTIFY in every transaction would serialise commits.
    if (now - last_announce_ >= kAnnouncePause) announce.assign(to_announce_.begin(), to_announce_.end());
    if (!announce.empty()) to_announce_.clear();
  }
  if (HasWatchers()) {
    for (const std::string& video_id : changed) Deliver(video_id);
  }
  if (look) {
    FindMissed();
    last_look_ = now;
  }
  if (!announce.empty()) {
    sources_.announce(announce);
    last_announce_ = now;
  }
  const std::lock_guard lock(mutex_);
  return to_announce_.empty() ? poll_ : kAnnouncePause;
}

// What changed before the hub began is no news.
void WatchHub::RememberPresent() {
  const auto newest = sources_.newest_version();
  if (!newest.ok()) return;
  // Twice the overlap, so that the first look finds nothing that it does not know.
  const auto recent = sources_.changes_after(std::max<int64_t>(0, *newest - 2 * kVersionOverlap), kMissedPerLook);
  if (!recent.ok()) return;
  for (const VideoVersion& change : *recent) seen_[change.video_id] = change.version;
  seen_version_ = *newest;
}

// Goes on without watchers too, so that the feed always stands shortly before now when one comes.
void WatchHub::FindMissed() {
  if (seen_version_ < 0) return RememberPresent();
  const auto changes = sources_.changes_after(std::max<int64_t>(0, seen_version_ - kVersionOverlap), kMissedPerLook);
  if (!changes.ok()) return;
  // Asked after the query: whoever watched before a change that the query saw must be told of it.
  const bool watched = HasWatchers();
  for (const VideoVersion& change : *changes) {
    int64_t& seen = seen_[change.video_id];
    const auto delivered = delivered_.find(change.video_id);
    const bool known = seen >= change.version || (delivered != delivered_.end() && delivered->second >= change.version);
    // Without raising seen_version_, so that the next look begins here again.
    if (!known && watched && !Deliver(change.video_id)) return;
    seen = std::max(seen, change.version);
    seen_version_ = std::max(seen_version_, change.version);
  }
  // Looks begin one overlap before the newest, so what is older than two is not asked for again.
  if (seen_.size() > kRemembered)
    std::erase_if(seen_, [this](const auto& entry) { return entry.second < seen_version_ - 2 * kVersionOverlap; });
}

bool WatchHub::Deliver(const std::string& video_id) {
  auto loaded = sources_.load(video_id);
  if (!loaded.ok() && loaded.status().code() != StatusCode::kNotFound) {
    // The database is away: the look for missed changes finds it again.
    return false;
  }
  Change change{video_id, nullptr};
  std::string tenant;
  if (loaded.ok()) {
    tenant = loaded->tenant();
    change.video = std::make_shared<const v1::Video>(*std::move(loaded));
  } else {
    auto owner = sources_.tenant_of(video_id);
    if (!owner.ok()) return owner.status().code() == StatusCode::kNotFound;
    tenant = *std::move(owner);
  }
  // Whoever is told twice sees it by the version; a map that only grows would be worse.
  if (delivered_.size() > kRemembered) delivered_.clear();
  const int64_t version = change.video ? change.video->version() : INT64_MAX;
  int64_t& known = delivered_[video_id];
  if (known == version) return true;
  known = version;
  std::vector<std::shared_ptr<Watcher>> targets;
  {
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_) {
      if (entry.tenant == tenant && (entry.video_id.empty() || entry.video_id == video_id)) targets.push_back(entry.watcher);
    }
  }
  for (const auto& watcher : targets) watcher->OnChange(change);
  return true;
}

}  // namespace vora::metadata
