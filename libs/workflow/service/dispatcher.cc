#include "libs/workflow/service/dispatcher.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "libs/run/periodic.h"

namespace vora::workflow {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr milliseconds kDispatchFallback{5000};  // when no wake-up comes
// How late an expired poll may be answered; well within the 500 ms that its caller was left.
constexpr milliseconds kTick{50};
constexpr size_t kMaxPollsAtOnce = 64;
constexpr milliseconds kAgain{100};
constexpr milliseconds kStragglers{1000};

// Polls of one filter see the same tasks. A type's name has no line break, so two lists of types never give one filter.
std::string FilterOf(const v1::PollActivitiesRequest& request) {
  std::string filter;
  for (const auto& type : request.activity_types()) filter += type + "\n";
  return filter;
}

}  // namespace

struct Dispatcher::Poll : WaitingPoll {
  v1::PollActivitiesRequest request;
  steady_clock::time_point deadline;
  Done done;
  std::string filter;
  bool canceled = false;  // this and the next under the dispatcher's mutex
};

struct Dispatcher::Impl {
  using PollPtr = std::shared_ptr<Poll>;
  struct Queue {
    std::list<PollPtr> waiting;
    std::set<std::string> empty;                       // filters that have left nothing since the queue was last marked
    std::set<std::string> drained;                     // filters whose last claim has left nothing, and who claim what has come since
    std::optional<steady_clock::time_point> again_at;  // there is something that could not be had
    steady_clock::time_point stragglers_at{};          // the next look for what an idle poll may begin a second time
    bool dirty = false;
    bool pumping = false;
  };

  Engine& engine;
  std::mutex mutex;
  std::condition_variable work;
  std::map<std::string, Queue> queues;
  std::deque<std::string> jobs;         // queues to pump
  std::deque<std::string> undelivered;  // tokens to hand back
  bool stopping = false;
  steady_clock::time_point next_fallback = steady_clock::now() + kDispatchFallback;
  std::vector<std::thread> threads;
  Periodic ticks{"dispatch-ticks", [this] {
                   Tick();
                   return kTick;
                 }};  // last: uses all of the above

  explicit Impl(Engine& e) : engine(e) {}

  // With the mutex held.
  // A queue that is being pumped is only marked: its pump sees the mark before it ends. Without polls the mark is kept for the next Add.
  void MarkDirty(const std::string& name, Queue& queue) {
    queue.dirty = true;
    if (queue.pumping || queue.waiting.empty()) return;
    queue.pumping = true;
    jobs.push_back(name);
    work.notify_one();
  }

  void WorkLoop() {
    std::unique_lock lock(mutex);
    while (true) {
      work.wait(lock, [&] { return stopping || !jobs.empty() || !undelivered.empty(); });
      // Before the question of stopping: tasks claimed for nobody go back into their queue even then, or they would wait for their lease.
      if (!undelivered.empty()) {
        const std::string token = std::move(undelivered.front());
        undelivered.pop_front();
        lock.unlock();
        HandBack(token);
        lock.lock();
        continue;
      }
      if (stopping) return;
      const std::string name = std::move(jobs.front());
      jobs.pop_front();
      // Queues are never erased, so the reference holds while Pump lets go of the mutex.
      Pump(lock, queues[name]);
    }
  }

  void Pump(std::unique_lock<std::mutex>& lock, Queue& queue);
  static std::vector<PollPtr> TakePolls(Queue& queue, const std::set<std::string>& tried);
  void Tick();
  void HandBack(const std::string& token);
};

void Dispatcher::Impl::HandBack(const std::string& token) {
  v1::ReleaseActivityRequest request;
  request.set_task_token(token);
  (void)engine.Release(request);  // else the lease ends by itself
}

void Dispatcher::Impl::Pump(std::unique_lock<std::mutex>& lock, Queue& queue) {
  std::set<std::string> tried;  // filters that cannot get more now
  while (!stopping) {
    // Taken before the claim, so that a wake-up during it leads to another try. Filters that left nothing are skipped until then: ten idle
    // polls of one kind cost one claim.
    const bool marked = std::exchange(queue.dirty, false);
    if (marked) queue.empty.clear();
    const std::vector<PollPtr> polls = TakePolls(queue, tried);
    // What has come is claimed for one filter only; of the others nobody asks now.
    if (marked) std::erase_if(queue.drained, [&](const std::string& filter) { return polls.empty() || filter != polls.front()->filter; });
    if (polls.empty()) break;
    std::vector<const v1::PollActivitiesRequest*> requests;
    for (const auto& poll : polls) requests.push_back(&poll->request);
    lock.unlock();
    auto claimed = engine.Claim(requests);
    lock.lock();
    // A database in failover is no answer for a poll that may still wait: its deadline or the next wake-up decides.
    const bool waits = claimed.ok() || IsTransient(claimed.status());
    const std::string& filter = polls.front()->filter;
    bool gave = false;
    std::vector<std::pair<PollPtr, std::vector<v1::ActivityTask>>> answered;
    // From behind, as those that go on waiting are put back in front: who has waited longest gets the next task.
    for (size_t i = polls.size(); i-- > 0;) {
      std::vector<v1::ActivityTask> tasks;
      if (claimed.ok()) tasks = std::move(claimed->answers[i]);
      gave = gave || !tasks.empty();
      if (tasks.empty() && waits && !polls[i]->canceled && !stopping) {
        queue.waiting.push_front(polls[i]);
        continue;
      }
      // Read under the mutex, after which Cancel finds the poll in no list: so exactly one of the two answers it. Tasks of a call that is
      // cancelled from here on are missed in its worker's next report.
      if (polls[i]->canceled) {
        for (const auto& task : tasks) undelivered.push_back(task.task_token());
        if (!tasks.empty()) work.notify_one();
      }
      answered.emplace_back(polls[i], std::move(tasks));
    }
    if (claimed.ok() && claimed->empty) {
      queue.empty.insert(filter);
      queue.drained.insert(filter);
    } else {
      queue.drained.erase(filter);
    }
    // There is more than could be had now (a limit, other replicas, a database that is away): soon again, without going round.
    if (!claimed.ok() || (!claimed->empty && !gave)) {
      tried.insert(filter);
      queue.again_at = steady_clock::now() + kAgain;
    }
    std::vector<bool> canceled;
    for (const auto& [poll, tasks] : answered) canceled.push_back(poll->canceled);
    const bool going_down = stopping;
    lock.unlock();
    for (size_t i = 0; i < answered.size(); ++i) {
      auto& [poll, tasks] = answered[i];
      if (canceled[i]) {
        poll->done(Cancelled("the caller went away"), {});
      } else {
        poll->done(waits || going_down ? Status() : claimed.status(), std::move(tasks));
      }
    }
    lock.lock();
  }
  queue.pumping = false;
}

// Those of the first kind that may find something, in the order in which they wait.
std::vector<Dispatcher::Impl::PollPtr> Dispatcher::Impl::TakePolls(Queue& queue, const std::set<std::string>& tried) {
  std::vector<PollPtr> polls;
  for (auto it = queue.waiting.begin(); it != queue.waiting.end() && polls.size() < kMaxPollsAtOnce;) {
    const bool wanted =
        polls.empty() ? !queue.empty.contains((*it)->filter) && !tried.contains((*it)->filter) : (*it)->filter == polls.front()->filter;
    if (!wanted) {
      ++it;
      continue;
    }
    polls.push_back(*it);
    it = queue.waiting.erase(it);
  }
  return polls;
}

// Answers the polls that have waited long enough, and looks into every queue now and then, whether it was woken or not.
void Dispatcher::Impl::Tick() {
  std::vector<PollPtr> expired;
  {
    const std::lock_guard lock(mutex);
    const auto now = steady_clock::now();
    const bool fallback = now >= next_fallback;
    if (fallback) next_fallback = now + kDispatchFallback;
    for (auto& [name, queue] : queues) {
      for (auto it = queue.waiting.begin(); it != queue.waiting.end();) {
        if ((*it)->deadline <= now) {
          expired.push_back(*it);
          it = queue.waiting.erase(it);
        } else {
          ++it;
        }
      }
      const bool again = queue.again_at && *queue.again_at <= now;
      if (again) queue.again_at.reset();
      const bool stragglers = !queue.waiting.empty() && queue.stragglers_at <= now && engine.MayHaveStragglers(name);
      if (stragglers) queue.stragglers_at = now + kStragglers;
      if (fallback || again || stragglers) MarkDirty(name, queue);
    }
  }
  // Without the mutex: gRPC takes over there, and Cancel, which it calls, needs the mutex.
  for (const auto& poll : expired) poll->done({}, {});
}

Dispatcher::Dispatcher(Engine& engine, int threads) : impl_(std::make_unique<Impl>(engine)) {
  Impl* impl = impl_.get();
  for (int i = 0; i < threads; ++i) impl->threads.emplace_back([impl] { impl->WorkLoop(); });
  impl->ticks.Start(kTick);
}

Dispatcher::~Dispatcher() { Stop(); }

std::shared_ptr<Dispatcher::Poll> Dispatcher::Add(v1::PollActivitiesRequest request, milliseconds wait, Done done) {
  if (const Status refused = Engine::CheckPoll(request); !refused.ok()) {
    done(refused, {});
    return nullptr;
  }
  auto poll = std::make_shared<Poll>();
  poll->deadline = steady_clock::now() + wait;
  poll->done = std::move(done);
  poll->filter = FilterOf(request);
  poll->worker_id = request.worker_id();
  poll->max_tasks = request.max_tasks();
  const std::string name = request.queue();
  poll->request = std::move(request);
  std::unique_lock lock(impl_->mutex);
  if (impl_->stopping) {
    lock.unlock();
    poll->done({}, {});
    return poll;
  }
  auto& queue = impl_->queues[name];
  queue.waiting.push_back(poll);
  // One of a kind that has just found nothing waits with the others.
  if (queue.dirty || !queue.empty.contains(poll->filter)) impl_->MarkDirty(name, queue);
  return poll;
}

void Dispatcher::Cancel(const std::shared_ptr<Poll>& poll) {
  if (!poll) return;
  {
    std::lock_guard lock(impl_->mutex);
    poll->canceled = true;
    if (impl_->queues[poll->request.queue()].waiting.remove(poll) == 0) return;  // being served, or done
  }
  poll->done(Cancelled("the caller went away"), {});
}

// Whoever is to be given a task past the queue must know that nothing else in it is before that task.
std::shared_ptr<WaitingPoll> Dispatcher::Take(const std::string& name, const std::string& activity_type,
                                              const std::set<std::string>& but_of) {
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->queues.find(name);
  if (impl_->stopping || found == impl_->queues.end() || found->second.dirty || found->second.pumping) return nullptr;
  Impl::Queue& queue = found->second;
  for (auto it = queue.waiting.begin(); it != queue.waiting.end(); ++it) {
    const auto& types = (*it)->request.activity_types();
    const bool takes = types.empty() || std::find(types.begin(), types.end(), activity_type) != types.end();
    if (!takes || !queue.empty.contains((*it)->filter) || but_of.contains((*it)->worker_id)) continue;
    auto poll = *it;
    queue.waiting.erase(it);
    return poll;
  }
  return nullptr;
}

bool Dispatcher::NothingWaits(const v1::PollActivitiesRequest& poll) {
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->queues.find(poll.queue());
  if (impl_->stopping || found == impl_->queues.end()) return false;
  const Impl::Queue& queue = found->second;
  const bool nobody_asks = queue.dirty && !queue.pumping;
  return !nobody_asks && queue.drained.contains(FilterOf(poll));
}

void Dispatcher::Answer(const std::shared_ptr<WaitingPoll>& waiting, std::vector<v1::ActivityTask> tasks) {
  const auto poll = std::static_pointer_cast<Poll>(waiting);
  bool canceled;
  {
    const std::lock_guard lock(impl_->mutex);
    canceled = poll->canceled;
    if (tasks.empty() && !canceled && !impl_->stopping) {
      auto& queue = impl_->queues[poll->request.queue()];
      queue.waiting.push_front(poll);
      // A wake-up that found nobody waiting was kept for it.
      if (queue.dirty) impl_->MarkDirty(poll->request.queue(), queue);
      return;
    }
    if (canceled) {
      for (const auto& task : tasks) impl_->undelivered.push_back(task.task_token());
      impl_->work.notify_one();
    }
  }
  poll->done(canceled ? Cancelled("the caller went away") : Status(), canceled ? std::vector<v1::ActivityTask>() : std::move(tasks));
}

void Dispatcher::GiveBack(const std::string& task_token) {
  const std::lock_guard lock(impl_->mutex);
  impl_->undelivered.push_back(task_token);
  impl_->work.notify_one();
}

void Dispatcher::Wake(const std::string& queue) {
  std::lock_guard lock(impl_->mutex);
  for (auto& [name, item] : impl_->queues) {
    if (queue.empty() || queue == name) impl_->MarkDirty(name, item);
  }
}

void Dispatcher::Stop() {
  std::vector<std::shared_ptr<Poll>> left;
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->work.notify_all();
  }
  impl_->ticks.Stop();
  for (auto& thread : impl_->threads) {
    if (thread.joinable()) thread.join();
  }
  {
    std::lock_guard lock(impl_->mutex);
    for (auto& [name, queue] : impl_->queues) {
      // Only after the join: a pump may put a poll back until then.
      left.insert(left.end(), queue.waiting.begin(), queue.waiting.end());
      queue.waiting.clear();
    }
  }
  for (const auto& poll : left) poll->done({}, {});
}

}  // namespace vora::workflow
