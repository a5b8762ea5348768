-- Whose turn it is. A run's rank is given once, when the cost of its work is known; its tasks have it too, and a place among each other.
-- priority is the run's, in hours of an earlier start.
ALTER TABLE workflow_runs ADD COLUMN priority integer NOT NULL DEFAULT 0;
ALTER TABLE workflow_runs ADD COLUMN rank bigint NOT NULL DEFAULT 0;
ALTER TABLE activity_tasks ADD COLUMN first_play boolean NOT NULL DEFAULT false;
ALTER TABLE activity_tasks ADD COLUMN rank bigint NOT NULL DEFAULT 0;
ALTER TABLE activity_tasks ADD COLUMN place bigint NOT NULL DEFAULT 0;
UPDATE activity_tasks SET rank = scheduled_time_us, place = scheduled_event_id - priority * 1099511627776;
DROP INDEX activity_tasks_ready;
CREATE INDEX activity_tasks_turn ON activity_tasks (queue, tenant, first_play, rank, run_id, place) WHERE state = 'SCHEDULED';

-- What operators have set; a row that is not there sets nothing. A limit of 0 is none.
CREATE TABLE workflow_queues (
  queue                 text PRIMARY KEY,
  paused                boolean NOT NULL DEFAULT false,
  max_running           integer NOT NULL DEFAULT 0,
  max_starts_per_second double precision NOT NULL DEFAULT 0
);
CREATE TABLE workflow_tenants (
  tenant                text PRIMARY KEY,
  weight                double precision NOT NULL DEFAULT 1,
  max_running           integer NOT NULL DEFAULT 0,   -- in each queue
  max_starts_per_second double precision NOT NULL DEFAULT 0
);
