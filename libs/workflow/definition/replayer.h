#pragma once

// Replays a run: history events in, commands out. Pure: no database, no clock, no threads. One thread at a time.

#include <memory>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/workflow/definition/context.h"
#include "libs/workflow/definition/history.h"

namespace vora::workflow {

struct RecordedCommand {
  int64_t event_id = 0;
  Command command;
};

class Replayer {
 public:
  // NOT_FOUND: no definition of this type is registered. `registry` must outlive it.
  static StatusOr<std::unique_ptr<Replayer>> Create(const Registry& registry, RunInfo info);
  ~Replayer();

  // Feeds the next event of the history, in order and without gaps. An input event resumes the coroutines; a command event must be the
  // command they issued next. FAILED_PRECONDITION ("nondeterminism: ...", or "the workflow's code threw: ...") when code and history do not
  // agree: the replayer is of no use then. The message is for operators: some lines, below 2 kB, that show where the two part.
  Status Apply(const Event& event);
  // The commands that are not in history yet, recorded with the event ids that follow it. Only after the last event of the history.
  std::vector<RecordedCommand> TakeCommands();
  // FAILED_PRECONDITION when there are such commands: they should be in a history that ends here.
  Status CheckEnd() const;

  int64_t history_length() const { return length_; }
  // The workflow has ended: its last command closes the run (or it was terminated).
  bool closed() const;
  // An estimate of its memory: the frames of its coroutines as they are, and every text that was handed to them as if they had kept it.
  size_t Bytes() const;

 private:
  Replayer();
  Status Mismatch(const Event& event, const struct IssuedCommand* issued) const;

  std::unique_ptr<class RunState> state_;
  std::unique_ptr<class RecentEvents> recent_;
  int64_t length_ = 0;
  int64_t frame_bytes_ = 0, text_bytes_ = 0;
};

// Replays a whole stored history and checks that it ends without commands of its own. For replay tests.
Status CheckReplay(const Registry& registry, const RunInfo& info, const std::vector<Event>& history);

}  // namespace vora::workflow
