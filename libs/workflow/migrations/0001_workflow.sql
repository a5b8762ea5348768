-- The durable state of the workflow engine. Times are microseconds since the epoch on the database's clock (vora_now_us), the only clock
-- that all replicas share. Rows of activity_tasks and workflow_timers exist only while they are open.

CREATE FUNCTION vora_now_us() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
  AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint $$;

CREATE TABLE workflow_runs (
  run_id                text PRIMARY KEY,
  seq                   bigint GENERATED ALWAYS AS IDENTITY,
  workflow_id           text NOT NULL,
  tenant                text NOT NULL,
  type                  text NOT NULL,
  status                text NOT NULL DEFAULT 'RUNNING'
                        CHECK (status IN ('RUNNING', 'COMPLETED', 'FAILED', 'CANCELED', 'TERMINATED', 'TIMED_OUT')),
  request_id            text NOT NULL,
  traceparent           text NOT NULL,
  start_time_us         bigint NOT NULL,
  close_time_us         bigint,
  execution_deadline_us bigint,
  history_length        bigint NOT NULL DEFAULT 0,
  result                text NOT NULL DEFAULT '',
  failure               text NOT NULL DEFAULT '',
  cancel_requested      boolean NOT NULL DEFAULT false,
  stuck_reason          text NOT NULL DEFAULT '',
  CHECK ((status = 'RUNNING') = (close_time_us IS NULL))
);
CREATE UNIQUE INDEX workflow_runs_one_open ON workflow_runs (workflow_id) WHERE status = 'RUNNING';
CREATE UNIQUE INDEX workflow_runs_request ON workflow_runs (workflow_id, request_id) WHERE request_id <> '';
CREATE INDEX workflow_runs_newest ON workflow_runs (workflow_id, seq DESC);
CREATE INDEX workflow_runs_list ON workflow_runs (seq DESC);
CREATE INDEX workflow_runs_deadline ON workflow_runs (execution_deadline_us) WHERE status = 'RUNNING' AND execution_deadline_us IS NOT NULL;
CREATE INDEX workflow_runs_stuck ON workflow_runs (seq) WHERE stuck_reason <> '';

-- Append-only. attributes is a JSON text; it is kept as written.
CREATE TABLE workflow_events (
  run_id     text NOT NULL,
  event_id   bigint NOT NULL,
  type       text NOT NULL,
  time_us    bigint NOT NULL,
  attributes text NOT NULL,
  PRIMARY KEY (run_id, event_id)
);

CREATE TABLE activity_tasks (
  run_id                        text NOT NULL,
  scheduled_event_id            bigint NOT NULL,
  seq                           bigint GENERATED ALWAYS AS IDENTITY,
  workflow_id                   text NOT NULL,
  tenant                        text NOT NULL,
  traceparent                   text NOT NULL,
  queue                         text NOT NULL,
  activity_type                 text NOT NULL,
  activity_id                   text NOT NULL,
  affinity_key                  text NOT NULL,
  priority                      integer NOT NULL,
  estimated_cost                double precision NOT NULL,
  input                         text NOT NULL,
  retry                         text NOT NULL,           -- RetryPolicy as JSON
  schedule_to_start_us          bigint NOT NULL,         -- 0: none
  start_to_close_us             bigint NOT NULL,
  heartbeat_us                  bigint NOT NULL,
  scheduled_time_us             bigint NOT NULL,
  state                         text NOT NULL DEFAULT 'SCHEDULED' CHECK (state IN ('SCHEDULED', 'STARTED')),
  frozen                        boolean NOT NULL DEFAULT false,   -- the run is stuck: not given out
  attempt                       integer NOT NULL DEFAULT 1,
  lease                         bigint NOT NULL DEFAULT 0,        -- fencing number: every claim takes the next
  last_reported_lease           bigint NOT NULL DEFAULT 0,        -- of the last failure or release taken; repeating that is OK
  visible_at_us                 bigint NOT NULL,                  -- not claimed before
  worker_id                     text NOT NULL DEFAULT '',
  started_time_us               bigint,
  progress                      double precision NOT NULL DEFAULT 0,
  checkpoint                    text NOT NULL DEFAULT '',
  cancel_requested              boolean NOT NULL DEFAULT false,
  last_failure                  text NOT NULL DEFAULT '',
  schedule_to_start_deadline_us bigint,
  schedule_to_close_deadline_us bigint,
  attempt_deadline_us           bigint,
  lease_deadline_us             bigint,
  next_deadline_us              bigint GENERATED ALWAYS AS (
    CASE WHEN state = 'STARTED' THEN least(schedule_to_close_deadline_us, attempt_deadline_us, lease_deadline_us)
         ELSE least(schedule_to_close_deadline_us, schedule_to_start_deadline_us) END) STORED,
  PRIMARY KEY (run_id, scheduled_event_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE INDEX activity_tasks_ready ON activity_tasks (queue, priority DESC, seq) WHERE state = 'SCHEDULED' AND NOT frozen;
CREATE INDEX activity_tasks_deadline ON activity_tasks (next_deadline_us) WHERE next_deadline_us IS NOT NULL;

CREATE TABLE workflow_timers (
  run_id           text NOT NULL,
  started_event_id bigint NOT NULL,
  timer_id         text NOT NULL,
  fire_at_us       bigint NOT NULL,
  PRIMARY KEY (run_id, started_event_id)
);
CREATE INDEX workflow_timers_due ON workflow_timers (fire_at_us);
