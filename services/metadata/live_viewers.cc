#include "services/metadata/live_viewers.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libs/core/clock.h"
#include "services/metadata/analytics_queries.h"
#include "services/metadata/analytics_tables_internal.h"
#include "services/metadata/video_fields.h"

namespace vora::metadata {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::chrono::hours kAtRest{1};

std::string Text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

LiveViewers::LiveViewers(AnalyticsReader& reader, std::chrono::milliseconds interval)
    : reader_(reader), interval_(interval), thread_("live-viewers", [this] { return Step(); }) {}

LiveViewers::~LiveViewers() { Stop(); }

void LiveViewers::Start() { thread_.Start(); }

void LiveViewers::Stop() {
  std::vector<std::shared_ptr<Listener>> all;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    all = listeners_;
  }
  for (const auto& listener : all) listener->wake_();
  thread_.Stop();
}

void LiveViewers::Listen(std::shared_ptr<Listener> listener) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = listeners_.empty();
    // What was said before a rest is old.
    if (first) message_.clear();
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
  if (message_.empty() || listener.seen_ == number_) return {};
  listener.seen_ = number_;
  return message_;
}

bool LiveViewers::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

size_t LiveViewers::listeners() const {
  const std::lock_guard lock(mutex_);
  return listeners_.size();
}

std::string LiveViewers::Load() {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>((Clock::Real().Now() - kNow).time_since_epoch()).count();
  StatusOr<std::vector<std::pair<std::string, int64_t>>> viewers = Unavailable("not asked");
  if (auto turn = reader_.Begin(); turn.ok()) {
    viewers = ReadViewersNow(*turn, kDefaultTenant, "", since);
  } else {
    viewers = turn.status();
  }
  if (!viewers.ok()) return "event: unavailable\ndata: " + Text({{"message", Message(viewers.status())}}) + "\n\n";
  Json json = {{"viewers_now", 0}, {"videos", Json::array()}};
  int64_t all = 0;
  for (const auto& [video_id, count] : *viewers) {
    json["videos"].push_back({{"video_id", video_id}, {"viewers_now", count}});
    all += count;
  }
  json["viewers_now"] = all;
  return "data: " + Text(json) + "\n\n";
}

std::chrono::milliseconds LiveViewers::Step() {
  if (closed()) return kAtRest;
  if (listeners() == 0) return kAtRest;
  std::string message = Load();
  std::vector<std::shared_ptr<Listener>> all;
  {
    const std::lock_guard lock(mutex_);
    if (message == message_) return interval_;
    message_ = std::move(message);
    ++number_;
    all = listeners_;
  }
  for (const auto& listener : all) listener->wake_();
  return interval_;
}

}  // namespace vora::metadata
