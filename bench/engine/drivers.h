#pragma once

// What vora-bench-engine does, one function for each of its commands. They return the exit code.

#include <cstdint>
#include <string>

namespace vora::bench {

struct Target {
  std::string orchestrator;  // host:port
};

struct ThroughputOptions {
  int open = 64;
  int activities = 3;
  double seconds = 8, warm_up = 1;  // the warm-up comes on top, and is not counted
};
// Keeps `open` chains open. Prints `RESULT per_second started cpu_seconds p50_ms p99_ms refused`: closed per second of the counted time;
// all that were started, each of which was closed; from start to close; starts that were refused for want of a thread, and tried again.
int Throughput(const Target& target, const ThroughputOptions& options);

struct LatencyOptions {
  double rate = 100, seconds = 6, warm_up = 1;
};
// Starts chains of one activity at a constant rate, whatever the answers take. Prints `RESULT p50_ms p99_ms max_ms from_call_p50_ms
// from_call_p99_ms count cpu_seconds refused`: from the time of the history's ACTIVITY_TASK_SCHEDULED to the start of the handler, and from
// just before the call of StartWorkflow to it.
int Latency(const Target& target, const LatencyOptions& options);

struct FilmOptions {
  double film_seconds = 7200;  // what the worker's probe finds
  bool wait = true;
};
// One ProcessVideo. Prints `RESULT seconds events`, or with `wait` false nothing once it is started.
int Film(const Target& target, const FilmOptions& options);

struct StartOptions {
  int count = 1000;
  int64_t sleep_ms = 0;  // 0: a chain of one activity, which waits for a worker; else a run that sleeps for so long
};
// Starts runs and leaves them open.
int StartOpen(const Target& target, const StartOptions& options);

struct WatchOptions {
  double seconds = 10;
  bool poll = false;  // instead of a stream, each open run is described twice a second
};
// Watches the progress of all open runs. Prints `RESULT messages bytes largest`.
int Watch(const Target& target, const WatchOptions& options);

struct WorkerOptions {
  int workers = 1;
  int slots = 64;
};
// Executes `bench.Nothing` until SIGTERM; its result says when the handler began.
int ChainWorker(const Target& target, const WorkerOptions& options);
// Workers as a stack has them, of `transcode` and of `metadata`, whose activities do nothing: the probe finds a film of that length. With
// `hold` a chunk is never done: it reports
// progress until it is stopped.
int FilmWorker(const Target& target, double film_seconds, bool hold);

}  // namespace vora::bench
