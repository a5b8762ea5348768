#include "services/metadata/analytics/live_viewers.h"

#include <algorithm>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "libs/core/clock.h"
#include "services/metadata/analytics/analytics_queries.h"
#include "services/metadata/analytics/analytics_tables_internal.h"
#include "services/metadata/videos/video_fields.h"

namespace vora::metadata {
namespace {

using OrderedJson = nlohmann::ordered_json;
constexpr std::chrono::hours kAtRest{1};

std::string MessageText(const OrderedJson& json) { return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace); }

}  // namespace

LiveViewers::LiveViewers(AnalyticsReader& reader, VideoFactsRepo* videos, std::chrono::milliseconds interval)
    : reader_(reader), videos_(videos), interval_(interval), thread_("live-viewers", [this] { return Step(); }) {}

LiveViewers::~LiveViewers() { Stop(); }

void LiveViewers::Start() { thread_.Start(); }

void LiveViewers::Stop() {
  std::vector<std::shared_ptr<Listener>> all;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    all = listeners_;
  }
  // Without the lock, as the header promises: what `wake` does may lead to Take.
  for (const auto& listener : all) listener->wake_();
  thread_.Stop();
}

void LiveViewers::Listen(std::shared_ptr<Listener> listener) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = listeners_.empty();
    // What was said before a rest is old.
    if (first) messages_.clear();
    listeners_.push_back(std::move(listener));
  }
  if (first) thread_.Wake();
}

void LiveViewers::Leave(const std::shared_ptr<Listener>& listener) {
  const std::lock_guard lock(mutex_);
  std::erase(listeners_, listener);
}

std::string LiveViewers::Take(Listener& listener) {
  const std::lock_guard lock(mutex_);
  const auto found = messages_.find(listener.tenant_);
  if (found == messages_.end() || listener.seen_ == found->second.number) return {};
  listener.seen_ = found->second.number;
  return found->second.text;
}

bool LiveViewers::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

size_t LiveViewers::listeners() const {
  const std::lock_guard lock(mutex_);
  return listeners_.size();
}

std::string LiveViewers::Load(const std::string& tenant) {
  const int64_t since = ToUnixMs(Clock::Real().Now() - kNow);
  StatusOr<std::vector<std::pair<std::string, int64_t>>> viewers = Unavailable("not asked");
  if (auto turn = reader_.Begin(); turn.ok()) {
    viewers = ReadViewersNow(*turn, tenant, "", since);
  } else {
    viewers = turn.status();
  }
  StatusOr<std::map<std::string, VideoFacts>> mine = std::map<std::string, VideoFacts>();
  if (viewers.ok() && videos_ != nullptr) {
    std::vector<std::string> ids;
    for (const auto& [video_id, count] : *viewers) ids.push_back(video_id);
    mine = videos_->Find(tenant, ids);
    if (!mine.ok()) viewers = mine.status();
  }
  if (!viewers.ok()) return "event: unavailable\ndata: " + MessageText({{"message", vora::Message(viewers.status())}}) + "\n\n";
  OrderedJson json = {{"viewers_now", 0}, {"videos", OrderedJson::array()}};
  int64_t all = 0;
  for (const auto& [video_id, count] : *viewers) {
    if (videos_ != nullptr && !mine->contains(video_id)) continue;
    json["videos"].push_back({{"video_id", video_id}, {"viewers_now", count}});
    all += count;
  }
  json["viewers_now"] = all;
  return "data: " + MessageText(json) + "\n\n";
}

std::chrono::milliseconds LiveViewers::Step() {
  if (closed()) return kAtRest;
  std::set<std::string> tenants;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& listener : listeners_) tenants.insert(listener->tenant_);
    // Whoever listens to a tenant after a pause must not get what was true before it.
    std::erase_if(messages_, [&](const auto& message) { return !tenants.contains(message.first); });
  }
  if (tenants.empty()) return kAtRest;
  for (const std::string& tenant : tenants) {
    // Without the lock: ClickHouse may take as long as its time limit, while listeners come and go.
    std::string text = Load(tenant);
    std::vector<std::shared_ptr<Listener>> those;
    {
      const std::lock_guard lock(mutex_);
      Message& message = messages_[tenant];
      // Where nothing changed listeners get heartbeats only.
      if (message.text == text) continue;
      message = {std::move(text), ++number_};
      for (const auto& listener : listeners_) {
        if (listener->tenant_ == tenant) those.push_back(listener);
      }
    }
    for (const auto& listener : those) listener->wake_();
  }
  return interval_;
}

}  // namespace vora::metadata
