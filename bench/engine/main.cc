// vora-bench-engine COMMAND --orchestrator HOST:PORT: drives the workflow engine, or is its worker. bench/engine.sh puts them together.

#include <CLI/CLI.hpp>

#include "bench/engine/drivers.h"
#include "libs/log/log.h"

int main(int argc, char** argv) {
  using namespace vora::bench;
  CLI::App app{"Load for the workflow engine, and workers whose activities do nothing."};
  Target target;
  ThroughputOptions throughput;
  LatencyOptions latency;
  FilmOptions film;
  StartOptions start;
  WatchOptions watch;
  WorkerOptions worker;
  bool hold = false, started_only = false;
  app.require_subcommand(1);
  app.add_option("--orchestrator", target.orchestrator)->required();
  auto* throughput_command = app.add_subcommand("throughput", "Keeps a number of chains open");
  throughput_command->add_option("--open", throughput.open);
  throughput_command->add_option("--activities", throughput.activities);
  throughput_command->add_option("--seconds", throughput.seconds);
  throughput_command->add_option("--warm-up", throughput.warm_up);
  auto* latency_command = app.add_subcommand("latency", "Starts chains of one activity at a constant rate");
  latency_command->add_option("--rate", latency.rate);
  latency_command->add_option("--seconds", latency.seconds);
  auto* film_command = app.add_subcommand("film", "Runs one ProcessVideo");
  film_command->add_flag("--started-only", started_only);
  auto* start_command = app.add_subcommand("start", "Starts runs and leaves them open");
  start_command->add_option("--count", start.count);
  start_command->add_option("--sleep-ms", start.sleep_ms);
  auto* watch_command = app.add_subcommand("watch", "Watches the progress of open runs");
  watch_command->add_option("--seconds", watch.seconds);
  watch_command->add_flag("--poll", watch.poll);
  auto* worker_command = app.add_subcommand("worker", "Works on chains");
  worker_command->add_option("--workers", worker.workers);
  worker_command->add_option("--slots", worker.slots);
  auto* film_worker_command = app.add_subcommand("film-worker", "Works on ProcessVideo");
  film_worker_command->add_option("--film-seconds", film.film_seconds);
  film_worker_command->add_flag("--hold", hold);
  CLI11_PARSE(app, argc, argv);
  vora::log::Init("vora-bench-engine", "warn");
  film.wait = !started_only;
  if (throughput_command->parsed()) return Throughput(target, throughput);
  if (latency_command->parsed()) return Latency(target, latency);
  if (start_command->parsed()) return StartOpen(target, start);
  if (watch_command->parsed()) return Watch(target, watch);
  if (film_command->parsed()) return Film(target, film);
  if (worker_command->parsed()) return ChainWorker(target, worker);
  return FilmWorker(target, film.film_seconds, hold);
}
