-- All of it is done in milliseconds: activity_tasks holds open tasks only.
SELECT vora_lock_tables('activity_tasks');

-- How far runs are is told in sums. What an activity's progress counts there:
ALTER TABLE activity_tasks ADD COLUMN progress_weight double precision NOT NULL DEFAULT 1;
-- What waits for another attempt, so that it can be seen beside what runs without reading all that waits.
CREATE INDEX activity_tasks_retried ON activity_tasks (visible_at_us) WHERE attempt > 1 AND state <> 'STARTED';
