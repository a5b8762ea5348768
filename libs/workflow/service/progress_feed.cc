#include "libs/workflow/service/progress_feed.h"

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "libs/log/log.h"
#include "libs/run/periodic.h"

namespace vora::workflow {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr milliseconds kUntilWatched = std::chrono::hours(1);
// One statement asks for no more; those that are beyond wait for the next look.
constexpr size_t kMaxClosed = 5000;

// What a watch wants to know of a run.
v1::RunProgress Part(const v1::RunProgress& run, const v1::WatchProgressRequest& wanted) {
  v1::RunProgress part = run;
  auto& sums = *part.mutable_activities();
  sums.erase(std::remove_if(sums.begin(), sums.end(),
                            [&](const auto& sum) { return !sum.activity_type().starts_with(wanted.activity_type_prefix()); }),
             sums.end());
  return part;
}

bool AnyRuns(const v1::RunProgress& run) {
  return std::any_of(run.activities().begin(), run.activities().end(), [](const auto& sum) { return sum.running() > 0; });
}

}  // namespace

struct ProgressFeed::Watch {
  v1::WatchProgressRequest wanted;
  Tell tell;
  std::function<void()> end;
  // Only touched by the feed's thread.
  std::map<std::string, std::string> told;  // by run, of those that something is under way of
  bool caught_up = false;
};

struct ProgressFeed::Impl {
  using Runs = std::map<std::string, v1::RunProgress>;
  Engine& engine;
  const ProgressFeedOptions options;
  std::mutex mutex;
  std::list<std::shared_ptr<Watch>> watches;
  std::set<std::string> closed;  // perhaps
  bool idle = true, hurry = false, stopping = false;
  // Only touched by the thread.
  Runs last;
  steady_clock::time_point last_look{};
  bool failing = false;
  Periodic thread{"progress-feed", [this] { return Step(); }};  // last: uses all of the above

  Impl(Engine& e, ProgressFeedOptions o) : engine(e), options(o) {}

  milliseconds Step() {
    std::vector<std::shared_ptr<Watch>> watching;
    std::set<std::string> asked;
    {
      const std::lock_guard lock(mutex);
      if (watches.empty()) {
        closed.clear();
        last.clear();
        return kUntilWatched;
      }
      const auto now = steady_clock::now();
      const auto at = last_look + (idle && !hurry ? options.idle_interval : options.interval);
      if (now < at) return std::chrono::ceil<milliseconds>(at - now);
      hurry = false;
      watching.assign(watches.begin(), watches.end());
      while (!closed.empty() && asked.size() < kMaxClosed) asked.insert(closed.extract(closed.begin()));
    }
    last_look = steady_clock::now();
    const Status looked = Look(watching, asked);
    if (!looked.ok() && !failing) log::Warn("what is under way cannot be looked at", {{"error", ToText(looked)}});
    failing = !looked.ok();
    const std::lock_guard lock(mutex);
    if (failing) closed.merge(asked);
    hurry = hurry || failing || !closed.empty();
    idle = std::none_of(last.begin(), last.end(), [](const auto& run) { return AnyRuns(run.second); });
    return milliseconds{1};
  }

  // Tasks are read before runs are looked up: those of a run that is closed by then are gone.
  Status Look(const std::vector<std::shared_ptr<Watch>>& watching, std::set<std::string> asked) {
    VORA_ASSIGN_OR_RETURN(Runs runs, engine.ReadProgress());
    for (const auto& [run_id, run] : last) {
      if (!runs.contains(run_id)) asked.insert(run_id);
    }
    std::vector<v1::RunProgress> over;
    if (!asked.empty()) {
      VORA_ASSIGN_OR_RETURN(over, engine.ReadClosed({asked.begin(), asked.end()}));
    }
    for (const auto& watch : watching) TellOne(*watch, runs, over);
    last = std::move(runs);
    return {};
  }

  static void TellOne(Watch& watch, const Runs& runs, const std::vector<v1::RunProgress>& over) {
    std::vector<v1::RunProgress> news;
    for (const auto& run : over) {
      watch.told.erase(run.run_id());
      if (run.workflow_id().starts_with(watch.wanted.workflow_id_prefix())) news.push_back(run);
    }
    std::map<std::string, std::string> now;
    for (const auto& [run_id, run] : runs) {
      if (!run.workflow_id().starts_with(watch.wanted.workflow_id_prefix())) continue;
      v1::RunProgress part = Part(run, watch.wanted);
      if (part.activities().empty()) continue;
      std::string text = part.SerializeAsString();
      const auto told = watch.told.find(run_id);
      if (told == watch.told.end() || told->second != text) news.push_back(std::move(part));
      now.emplace(run_id, std::move(text));
    }
    // Nothing is under way any more.
    for (const auto& [run_id, text] : watch.told) {
      if (now.contains(run_id)) continue;
      v1::RunProgress rest;
      (void)rest.ParseFromString(text);
      rest.clear_activities();
      news.push_back(std::move(rest));
    }
    watch.told = std::move(now);
    if (news.empty() && watch.caught_up) return;
    watch.caught_up = true;
    watch.tell(news);
  }
};

ProgressFeed::ProgressFeed(Engine& engine, ProgressFeedOptions options) : impl_(std::make_unique<Impl>(engine, options)) {}
ProgressFeed::~ProgressFeed() { Stop(); }

void ProgressFeed::Start() { impl_->thread.Start(kUntilWatched); }

void ProgressFeed::Stop() {
  std::list<std::shared_ptr<Watch>> left;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    left = impl_->watches;
  }
  impl_->thread.Stop();
  for (const auto& watch : left) watch->end();
}

std::shared_ptr<ProgressFeed::Watch> ProgressFeed::Add(const v1::WatchProgressRequest& request, Tell tell, std::function<void()> end) {
  auto watch = std::make_shared<Watch>();
  watch->wanted = request;
  watch->tell = std::move(tell);
  watch->end = std::move(end);
  bool stopping;
  {
    const std::lock_guard lock(impl_->mutex);
    stopping = impl_->stopping;
    impl_->watches.push_back(watch);
    impl_->hurry = true;
  }
  if (stopping) {
    watch->end();
  } else {
    impl_->thread.Wake();
  }
  return watch;
}

void ProgressFeed::Forget(const std::shared_ptr<Watch>& watch) {
  const std::lock_guard lock(impl_->mutex);
  impl_->watches.remove(watch);
}

void ProgressFeed::WorkBegan() {
  {
    const std::lock_guard lock(impl_->mutex);
    // While something runs the next look is soon enough.
    if (impl_->watches.empty() || !impl_->idle || std::exchange(impl_->hurry, true)) return;
  }
  impl_->thread.Wake();
}

void ProgressFeed::RunClosed(const std::string& run_id) {
  if (run_id.empty()) return;
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->watches.empty()) return;
    impl_->closed.insert(run_id);
    if (!impl_->idle || std::exchange(impl_->hurry, true)) return;
  }
  impl_->thread.Wake();
}

}  // namespace vora::workflow
