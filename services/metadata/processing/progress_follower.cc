#include "services/metadata/processing/progress_follower.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/log/log.h"
#include "libs/run/retry.h"

namespace vora::metadata {
namespace {

namespace wf = workflow::v1;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr int kVideosPerCheck = 100;
// After a stream broke every replica looks after all that nobody has looked after just now.
constexpr milliseconds kJustNow{1000};

RetryOptions WatchBackoff() { return {.max_attempts = 0, .initial = milliseconds(200), .max = milliseconds(5000)}; }

wf::WatchProgressRequest Wanted() {
  wf::WatchProgressRequest request;
  request.set_workflow_id_prefix(kVideoWorkflows);
  request.set_activity_type_prefix(kMediaPrefix);
  return request;
}

}  // namespace

ProgressFollower::ProgressFollower(ProgressRepo& progress, OrchestratorClient& orchestrator, ProgressOptions options)
    : progress_(progress),
      orchestrator_(orchestrator),
      options_(options),
      comparisons_("progress", [this] { return Step(); }),
      stream_("progress-watch", [this] { return Watch(); }) {}

void ProgressFollower::Start() {
  next_check_ = steady_clock::now() + options_.check_interval;
  comparisons_.Start();
  stream_.Start();
}

void ProgressFollower::Stop() {
  orchestrator_.StopWatching();
  stream_.Stop();
  comparisons_.Stop();
}

milliseconds ProgressFollower::Watch() {
  std::optional<std::set<std::string>> told{std::in_place};
  const Status ended = orchestrator_.WatchProgress(Wanted(), [&](wf::WatchProgressResponse response) {
    if (std::exchange(failures_, 0) > 0) log::Info("the orchestrator tells of progress again");
    Take(std::move(response), told);
  });
  if (++failures_ == 1 && ended.code() != StatusCode::kCancelled) {
    log::Warn("the orchestrator does not tell of progress; it is asked again", {{"error", ToText(ended)}});
  }
  return BackoffDelay(WatchBackoff(), std::min(failures_, 10), ended);
}

void ProgressFollower::Take(wf::WatchProgressResponse response, std::optional<std::set<std::string>>& told) {
  {
    const std::lock_guard lock(mutex_);
    for (auto& run : *response.mutable_runs()) {
      const std::string video_id = run.workflow_id().substr(std::string_view(kVideoWorkflows).size());
      if (told) told->insert(video_id);
      news_[video_id] = std::move(run);
    }
    if (response.caught_up()) under_way_ = std::exchange(told, std::nullopt);
  }
  comparisons_.Wake();
}

milliseconds ProgressFollower::Step() {
  TakeNews();
  const auto now = steady_clock::now();
  if (!followed_.empty() && now >= next_comparison_) {
    // The database or the orchestrator is away: what is followed waits.
    (void)CompareAll();
    next_comparison_ = steady_clock::now() + options_.interval;
  }
  if (now >= next_check_) {
    next_check_ = now + options_.check_interval;
    // A little less than the pause, so that a video is not passed by every other time.
    const milliseconds unseen = options_.check_interval * 8 / 10;
    unseen_since_ = now - (std::exchange(caught_up_, false) ? std::min(kJustNow, unseen) : unseen);
  }
  // Some at a time: with many videos it takes long, and comparisons come in between.
  if (unseen_since_) {
    bool more = false;
    const Status checked = CheckSome(std::chrono::ceil<milliseconds>(steady_clock::now() - *unseen_since_), more);
    if (checked.ok() && more) return milliseconds(1);
    unseen_since_.reset();
  }
  const auto at = followed_.empty() ? next_check_ : std::min(next_check_, next_comparison_);
  return std::max(milliseconds(1), std::chrono::ceil<milliseconds>(at - steady_clock::now()));
}

void ProgressFollower::TakeNews() {
  const std::lock_guard lock(mutex_);
  for (auto& [video_id, run] : news_) followed_[video_id] = {video_id, std::move(run), 0};
  news_.clear();
  if (!under_way_) return;
  // Of what the stream before has told, nothing runs any more unless this one says so; and what has ended in between neither has told.
  for (auto& [video_id, run] : followed_) {
    if (under_way_->contains(video_id) || run.told.status() != wf::WORKFLOW_STATUS_RUNNING) continue;
    run.told.clear_activities();
    run.version = 0;
  }
  under_way_.reset();
  caught_up_ = true;
  next_check_ = {};
}

Status ProgressFollower::CompareAll() {
  std::vector<FollowedRun*> runs;
  for (auto& [video_id, run] : followed_) runs.push_back(&run);
  VORA_ASSIGN_OR_RETURN(const auto needs, progress_.Compare(runs));
  for (size_t i = 0; i < runs.size() && !comparisons_.stopping(); ++i) {
    const FollowedRun& run = *runs[i];
    const bool open = run.told.status() == wf::WORKFLOW_STATUS_RUNNING;
    if (needs[i] == Need::kWrite) {
      const Status written = Write(run);
      // All others would wait for the same deadline.
      if (IsTransient(written)) return written;
      if (!written.ok()) log::Warn("progress of a video could not be written", {{"video_id", run.video_id}, {"error", ToText(written)}});
      // That nothing is left to write shows the next time.
      if (written.ok() && open) continue;
    } else if (needs[i] == Need::kLater || (needs[i] == Need::kNothing && !run.told.activities().empty())) {
      continue;
    }
    followed_.erase(std::string(run.video_id));
  }
  return {};
}

Status ProgressFollower::Write(const FollowedRun& run) {
  if (run.told.status() == wf::WORKFLOW_STATUS_RUNNING) return progress_.Apply(run.run(), run.told.activities()).status();
  return End(run.run(), run.told.status(), run.told.failure());
}

Status ProgressFollower::CheckSome(milliseconds claim, bool& more) {
  VORA_ASSIGN_OR_RETURN(const auto runs, progress_.Claim(claim, kVideosPerCheck));
  more = runs.size() == kVideosPerCheck;
  if (runs.empty()) return {};
  std::vector<std::string> ids;
  for (const auto& run : runs) ids.push_back(run.run_id);
  VORA_ASSIGN_OR_RETURN(const auto listed, orchestrator_.Runs(ids));
  std::map<std::string, const wf::WorkflowInfo*> found;
  for (const auto& info : listed.workflows()) found[info.run_id()] = &info;
  for (const auto& run : runs) {
    const auto info = found.find(run.run_id);
    if (info != found.end() && info->second->status() == wf::WORKFLOW_STATUS_RUNNING) continue;
    const Status ended = info == found.end() ? CheckLost(run) : End(run, info->second->status(), info->second->failure());
    if (IsTransient(ended)) return ended;
    if (!ended.ok()) log::Warn("the end of a video could not be written", {{"video_id", run.video_id}, {"error", ToText(ended)}});
  }
  return {};
}

Status ProgressFollower::CheckLost(const VideoRun& run) {
  // By itself, since an orchestrator of the version before lists what it likes.
  const Status described = orchestrator_.Describe(WorkflowOf(run.video_id), run.run_id).status();
  if (described.code() != StatusCode::kNotFound) return described;
  // It was started once; an orchestrator that lost it will never finish it.
  const char* why = "the orchestrator does not know this run any more; it can be retried";
  return progress_.Close(run, v1::VIDEO_STATE_FAILED, "workflow.lost", why).status();
}

Status ProgressFollower::End(const VideoRun& run, wf::WorkflowStatus status, const wf::Failure& failure) {
  switch (status) {
    case wf::WORKFLOW_STATUS_CANCELED:
      return progress_.Close(run, v1::VIDEO_STATE_CANCELLED, "", "").status();
    case wf::WORKFLOW_STATUS_FAILED:
      return progress_.Close(run, v1::VIDEO_STATE_FAILED, failure.code(), failure.message()).status();
    case wf::WORKFLOW_STATUS_TERMINATED:
      return progress_.Close(run, v1::VIDEO_STATE_FAILED, "workflow.terminated", "processing was terminated by an operator").status();
    case wf::WORKFLOW_STATUS_TIMED_OUT:
      return progress_.Close(run, v1::VIDEO_STATE_FAILED, "workflow.timed_out", "processing took longer than allowed").status();
    default:
      // COMPLETED: the state was recorded before.
      return progress_.Close(run, v1::VIDEO_STATE_FAILED, "workflow.no_outcome", "processing ended without an outcome").status();
  }
}

}  // namespace vora::metadata
