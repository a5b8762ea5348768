#pragma once

// Every metric of the workflow engine (the gauges tell of the whole database, so all replicas of the orchestrator say the same), and of
// those who work activities off (vora_worker_*). Types and queues are named by the workflows' code.

#include "libs/obs/family.h"

namespace vora::workflow {

inline obs::FamilySet kMetrics{"libs/workflow"};

inline std::vector<double> StageBuckets() { return {0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600}; }

inline const obs::CounterFamily kTransitions{kMetrics, "vora_workflow_transitions_total", "Committed workflow transitions."};
inline const obs::CounterFamily kParkedTransitions{kMetrics, "vora_workflow_parked_transitions_total",
                                                   "Transitions refused because code and history do not agree."};
inline const obs::GaugeFamily kRuns{kMetrics,
                                    "vora_workflow_runs",
                                    "Open workflow runs: running, paused by an operator, or parked because code and history do not agree.",
                                    {"state"}};
inline const obs::GaugeFamily kOldestRun{kMetrics, "vora_workflow_oldest_run_age_seconds", "Age of the oldest open run; 0 without one."};
inline const obs::GaugeFamily kLongestSilence{
    kMetrics, "vora_workflow_longest_silence_seconds",
    "The longest time that an open run that is not paused has had no event in its history; 0 without one."};
inline const obs::HistogramFamily kRunDuration{kMetrics,
                                               "vora_workflow_duration_seconds",
                                               "Time from the start of a run to its close, by how it closed.",
                                               {"type", "status"},
                                               obs::WorkBuckets()};

inline const obs::CounterFamily kRunsLeft{kMetrics, "vora_workflow_runs_left_total", "Closed runs that left after their retention time."};
inline const obs::CounterFamily kExportFailures{kMetrics, "vora_workflow_export_failures_total",
                                                "Closed runs that could not be exported, and so stayed."};
inline const obs::GaugeFamily kReplayCacheBytes{kMetrics, "vora_workflow_replay_cache_bytes",
                                                "Estimated memory of the runs that are held ready between their transitions."};
inline const obs::CounterFamily kReplayCacheUses{
    kMetrics, "vora_workflow_replay_cache_uses_total", "Transitions that found their run ready (hit), or replayed it (miss).", {"result"}};

inline const obs::GaugeFamily kQueueDepth{kMetrics, "vora_activity_queue_depth", "Activities waiting for a worker.", {"queue"}};
inline const obs::GaugeFamily kQueueEncodeSeconds{
    kMetrics, "vora_activity_queue_encode_seconds", "Estimated encode-seconds left, waiting and running.", {"queue"}};
inline const obs::GaugeFamily kQueueOldestAge{
    kMetrics, "vora_activity_queue_oldest_age_seconds", "How long the oldest claimable activity has waited.", {"queue"}};
inline const obs::GaugeFamily kWorkers{kMetrics, "vora_activity_workers", "Workers heard of within the last minute.", {"queue"}};
inline const obs::GaugeFamily kWorkerSlots{kMetrics, "vora_activity_worker_slots", "Activities these workers can do at a time.", {"queue"}};
inline const obs::GaugeFamily kWorkerSlotsInUse{
    kMetrics, "vora_activity_worker_slots_in_use", "Slots of these workers that are busy.", {"queue"}};

inline const obs::CounterFamily kAttempts{kMetrics,
                                          "vora_activity_attempts_total",
                                          "Attempts of activities that ended: completed, retried, failed, canceled, timed_out, lost (with "
                                          "their worker), released, superseded (of "
                                          "two at the same time the other ended first).",
                                          {"type", "result"}};
inline const obs::CounterFamily kSecondAttempts{
    kMetrics,
    "vora_activity_second_attempts_total",
    "Second attempts beside one on a slow worker: begun, and of those won, which ended the activity before the first.",
    {"result"}};
inline const obs::HistogramFamily kActivityWait{
    kMetrics, "vora_activity_wait_seconds", "Time an attempt waited for a worker.", {"type"}, StageBuckets()};
inline const obs::HistogramFamily kActivityDuration{
    kMetrics, "vora_activity_duration_seconds", "Time from claim to completion, of attempts that completed.", {"type"}, StageBuckets()};

inline const obs::CounterFamily kWorkerActivities{
    kMetrics, "vora_worker_activities_total", "Activities ended by this worker.", {"type", "result"}};

}  // namespace vora::workflow
