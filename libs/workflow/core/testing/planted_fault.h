#pragma once

// Faults that the simulation must find; they stand in for mistakes of the core and of its store.

namespace vora::workflow::simulation {

enum class PlantedFault {
  kNone,
  kForgetsEndedTask,      // an activity ends, its task stays
  kForgetsLosses,         // losses are not stored
  kForgetsParking,        // why a run is parked is not stored
  kForgetsInboxConsumed,  // the inbox is consumed and stays
  kReadsInboxBackwards,
  kFiresTimersTwice,         // a timer that is gone counts as there
  kTakesSignalsTwice,        // a repeated signal is not recognized
  kTearsRollback,            // a transaction that is rolled back leaves its events and tasks
  kKeepsRolledBackReplayer,  // what it has replayed is used later on
  kAnswersBeforeCommit,      // a call is answered, its transaction rolled back
  kTakesStaleReports,        // of whom the task was taken from
  kForgetsPauseOfNewTasks,   // what a paused run schedules can be claimed
  kForgetsReleases,          // workers of a paused run are not asked to hand back
  kForgetsEndedSecond,       // an activity ends, the row of its second attempt stays
  kForgetsSwap,              // the lease of the attempt that takes the place of the first is not stored
  kForgetsSecond,            // that there was a second attempt is not remembered when it is over
};

}  // namespace vora::workflow::simulation
