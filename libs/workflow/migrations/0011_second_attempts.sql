-- A second attempt beside one on a slow worker, of which the first to end counts. The row of the task tells of the other one. lease 0: it is
-- over, and the row stays with its task, so that there is no third.
CREATE TABLE activity_second_attempts (
  run_id              text NOT NULL,
  scheduled_event_id  bigint NOT NULL,
  lease               bigint NOT NULL,
  worker_id           text NOT NULL,
  started_time_us     bigint NOT NULL,
  progress            double precision NOT NULL,
  item_progress       text NOT NULL,
  attempt_deadline_us bigint,
  lease_deadline_us   bigint,
  PRIMARY KEY (run_id, scheduled_event_id)
) WITH (fillfactor = 50);
SELECT vora_lock_tables('activity_tasks');
ALTER TABLE activity_tasks ADD COLUMN allows_second boolean NOT NULL DEFAULT false;

DROP FUNCTION vora_lock_tables;
