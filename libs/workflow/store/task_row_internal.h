#pragma once

// The columns of activity_tasks as TaskRow reads them; the table's alias must be t. Brief: without the payloads, which may be large.

#include <pqxx/pqxx>

#include "libs/workflow/core/rows.h"

#define VORA_TASK_COLUMNS_OF(input, checkpoint)                                                                                       \
  "t.run_id, t.scheduled_event_id, t.workflow_id, t.tenant, t.traceparent, t.queue, t.activity_type, t.activity_id, "                 \
  "t.items, t.item_wait_us, t.item_progress, " input ", t.retry, t.last_failure, " checkpoint                                         \
  ", t.priority, t.estimated_cost, t.first_play, t.rank, t.place, t.schedule_to_start_us, t.start_to_close_us, t.heartbeat_us, "      \
  "t.scheduled_time_us, "                                                                                                             \
  "t.state, t.attempt, t.losses, t.lease, t.last_reported_lease, t.visible_at_us, t.worker_id, t.started_time_us, "                   \
  "t.progress, t.cancel_requested, t.schedule_to_start_deadline_us, t.schedule_to_close_deadline_us, "                                \
  "t.attempt_deadline_us, t.lease_deadline_us, t.release_requested, t.allows_second, (SELECT json_build_array(s.lease, s.worker_id, " \
  "s.started_time_us, s.progress, s.item_progress, s.attempt_deadline_us, s.lease_deadline_us) FROM activity_second_attempts s "      \
  "WHERE s.run_id = t.run_id AND s.scheduled_event_id = t.scheduled_event_id)"

#define VORA_TASK_COLUMNS VORA_TASK_COLUMNS_OF("t.input", "t.checkpoint")
#define VORA_BRIEF_TASK_COLUMNS VORA_TASK_COLUMNS_OF("''", "''")

namespace vora::workflow::repo {

TaskRow ReadTask(const pqxx::row& row);

}  // namespace vora::workflow::repo
