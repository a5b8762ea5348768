#pragma once

// SQL of workers and what they hold.

#include <cstdint>
#include <string>
#include <vector>

#include <optional>
#include <pqxx/pqxx>

#include "libs/workflow/core/rows.h"

namespace vora::workflow::repo {

struct WorkerRow {
  std::string worker_id, queue;
  int slots = 0, running = 0;
  double encode_speed = 0;
  std::string version;
  int64_t last_seen_us = 0;             // ignored when written: the database's clock
  std::vector<std::string> activities;  // `{workflow_id}: {activity_id}`; read only
};
void SaveWorker(pqxx::transaction_base& tx, const WorkerRow& worker);
void DeleteWorker(pqxx::transaction_base& tx, const std::string& worker_id);

// A task that the database says a worker holds.
struct HeldTask {
  std::string run_id;
  int64_t scheduled_event_id = 0;
  int64_t lease = 0;
  std::string worker_id;
  bool cancel_requested = false;
  int64_t held_us = 0;  // since the claim
  bool lapsed = false;  // the worker's lease is over
  bool release_requested = false;
};
// What a worker says of a task.
struct TaskNews {
  TaskKey key;
  int64_t lease = 0;
  double progress = 0;
  std::string checkpoint;     // empty: as before
  std::string item_progress;  // of a group as JSON: progress by name
};
struct Renewal {
  std::vector<WorkerRow> workers;
  std::vector<TaskNews> tasks;    // that have news
  std::vector<std::string> gone;  // workers whose connection broke: their leases end soon
};
struct Renewed {
  std::vector<HeldTask> held;    // by the renewed workers, and by those whose lease is over
  std::vector<TaskNews> stored;  // whose news were stored
};
// In one statement; its commit does not wait for the disk.
Renewed RenewLeases(pqxx::transaction_base& tx, const Renewal& renewal, int64_t lease_us);
// Those that the worker has claimed and not ended.
std::vector<HeldTask> TasksHeldBy(pqxx::transaction_base& tx, const std::string& worker_id);
// Those heard of within a minute, by id.
std::vector<WorkerRow> ReadWorkers(pqxx::transaction_base& tx);

}  // namespace vora::workflow::repo
