#pragma once

// One run inside one transaction: its rows are read under the lock of the run, changed here, and written at the end in one go. Everything
// that comes in (the end of an activity, a timer, a signal, a cancel) is an input event: applied to the replayed code, and followed in
// history by the commands that it causes. While code and history do not agree the run is parked: inputs are stored in its inbox and
// acknowledged all the same, and consumed in order when code agrees again.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libs/core/status.h"
#include "libs/workflow/core/rows.h"
#include "libs/workflow/definition/replay_cache.h"
#include "libs/workflow/definition/replayer.h"

namespace vora::workflow {

// What a unit reads while it computes. Called with the run's lock held; rows it returns are locked too.
class UnitLoader {
 public:
  virtual ~UnitLoader() = default;
  virtual std::vector<TaskRow> LoadTasks(const std::string& run_id, const std::vector<int64_t>& scheduled_event_ids) = 0;
  virtual std::vector<TaskRow> LoadOpenTasks(const std::string& run_id) = 0;
  virtual std::vector<Event> LoadHistory(const std::string& run_id, int64_t after) = 0;
  virtual std::vector<InboxRow> LoadInbox(const std::string& run_id) = 0;
  virtual bool HasTimer(const TaskKey& timer) = 0;
  // History or inbox hold the end of this activity under this lease: a repeated report of one that was taken.
  virtual bool WasTaken(const TaskKey& task, int64_t lease) = 0;
  virtual bool HasSignal(const std::string& run_id, const std::string& request_id) = 0;
};

// What does not depend on the transaction. All must outlive the units.
struct UnitContext {
  const Registry& registry;
  ReplayCache& cache;
  std::string build_id;                                     // of this program
  std::function<int(const std::string& queue)> slots = {};  // how many tasks the workers of a queue do at a time; 0, or empty: unknown
};

// What to do after the commit; nothing of it before, since a transaction may be rolled back or run again.
struct Effects {
  struct Wake {
    std::string queue;
    int64_t delay_us = 0;
  };
  struct Count {
    std::string activity_type, result;
    int64_t took_us = -1;  // of a completion
  };
  std::vector<Wake> wakes;
  std::vector<Count> counts;
  std::vector<std::pair<std::string, TaskRow>> cancels;   // worker, task that it should stop
  std::vector<std::pair<std::string, TaskRow>> releases;  // worker, task that it should hand back
  int second_attempts_won = 0;
  // What was done of tasks that allow a second attempt, by a first one that had the time for itself.
  struct Done {
    std::string queue, worker_id;
    int64_t lease = 0;
    double cost = 0;
    int64_t took_us = -1;  // of an attempt that has ended; -1: it goes on
  };
  std::vector<Done> done;
  bool paused = false, unpaused = false;  // now
  bool advanced = false;                  // the history has grown by a transition
  bool closed = false;
  std::string parked;  // why, when it was parked now
  bool unparked = false;
  int64_t next_timer_us = 0;  // the earliest of the timers that were started; 0: none
  std::unique_ptr<Replayer> replayer;
};

// Whether `event` is what the last report of an attempt became, by which its repetition is told. TIMED_OUT names a lease as well, but there
// the engine ended the attempt, and the worker's late report was not taken.
bool IsLastReport(const Event& event, const TaskKey& task, int64_t lease);

class RunUnit {
 public:
  // `fresh`: the run is made by this transaction.
  RunUnit(UnitContext& context, UnitLoader& loader, RunRow run, bool fresh);

  const RunRow& run() const { return run_; }
  RunRow& mutable_run();  // will be written
  // The same of pause and priority, which transitions leave alone.
  RunRow& controlled_run();
  Effects& effects() { return effects_; }

  // nullptr when it has ended.
  TaskRow* FindTask(int64_t scheduled_event_id);
  void Prefetch(const std::vector<int64_t>& scheduled_event_ids);
  // `tasks` were read together with those of other runs.
  void Preloaded(const std::vector<int64_t>& asked, std::vector<TaskRow> tasks);
  // All that have not ended.
  std::vector<TaskRow*> OpenTasks();
  // The task's row as changed by the caller is written.
  void Touch(const TaskRow& task);
  void EndTask(int64_t scheduled_event_id);
  bool TakeTimer(int64_t started_event_id);  // false when it is gone
  // As of the loader, and what this unit has taken itself.
  bool WasTaken(int64_t scheduled_event_id, int64_t lease);
  bool HasSignal(const std::string& request_id);
  void Remember(AttemptRow attempt) { attempts_.push_back(std::move(attempt)); }

  // Gives `input` (without id and time) to the run, or to its inbox when it is parked. Ignored when the run is closed.
  void Accept(Event input);
  // Replays the history of a parked run; when code agrees, consumes the inbox. Remembers that this build has tried.
  void TryAgain();
  // Ends the run without asking its code, so that it works on parked runs too.
  void CloseFromOutside(v1::EventType event, const std::string& status, const v1::Failure& failure);

  // Once, at the end. The replayer goes to the effects.
  void Finish(Changes& changes);

 private:
  enum class Fate { kClean, kNew, kChanged, kEnded };
  struct Task {
    TaskRow row;
    Fate fate = Fate::kClean;
  };
  void HoldIfPaused(TaskRow& task) const;
  bool Took(const std::function<bool(const Event&)>& matches) const;
  Status Load();
  Status Load(bool from_cache);
  Status StepOrReplay(const Event& input);
  void Consume(Event input);
  Status Step(Event input);
  void Record(RecordedCommand recorded);
  void Cancel(int64_t scheduled_event_id);
  void CancelTimer(int64_t started_event_id);
  void Close(const Event& event);
  void Park(const Status& why, Event input);

  UnitContext& context_;
  UnitLoader& loader_;
  RunRow run_;
  const bool fresh_;
  bool run_changed_ = false, run_controlled_ = false;
  bool from_cache_ = false;  // the replayer has not been replayed from the start here
  bool inbox_emptied_ = false;
  std::unique_ptr<Replayer> replayer_;
  std::deque<Event> waiting_;  // inputs that follow from the one being consumed
  std::deque<Event> backlog_;  // of the inbox, while it is consumed
  std::map<int64_t, Task> tasks_;
  std::set<int64_t> absent_;
  std::vector<Event> events_, inbox_;
  std::vector<TimerRow> timers_;
  std::vector<int64_t> ended_timers_;
  std::vector<AttemptRow> attempts_;
  Effects effects_;
};

}  // namespace vora::workflow
