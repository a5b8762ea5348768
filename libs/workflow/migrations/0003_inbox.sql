-- What a parked run cannot take yet waits here, acknowledged, in order of arrival. attributes is a JSON text.
CREATE TABLE workflow_inbox (
  run_id     text NOT NULL,
  seq        bigint GENERATED ALWAYS AS IDENTITY,
  time_us    bigint NOT NULL,
  type       text NOT NULL,
  attributes text NOT NULL,
  PRIMARY KEY (run_id, seq)
);

-- Attempts that did not succeed: who ran them, from when to when, and why they ended. failure is a JSON text.
CREATE TABLE workflow_attempts (
  run_id             text NOT NULL,
  scheduled_event_id bigint NOT NULL,
  seq                bigint GENERATED ALWAYS AS IDENTITY,
  activity_type      text NOT NULL,
  activity_id        text NOT NULL,
  attempt            integer NOT NULL,
  lease              bigint NOT NULL,
  worker_id          text NOT NULL,
  started_time_us    bigint NOT NULL,
  ended_time_us      bigint NOT NULL,
  outcome            text NOT NULL,
  failure            text NOT NULL,
  PRIMARY KEY (run_id, scheduled_event_id, seq)
);

-- The builds that have tried a parked run in vain: another one is worth a try.
ALTER TABLE workflow_runs ADD COLUMN parked_builds text[] NOT NULL DEFAULT '{}';

-- The input of an activity that is scheduled, beside the event's attributes: a replay has no need of it. Older events have it inside.
ALTER TABLE workflow_events ADD COLUMN payload text;

ALTER TABLE activity_tasks ADD COLUMN losses integer NOT NULL DEFAULT 0;
-- Tasks of parked runs are worked off like all others: what they give waits in the inbox.
UPDATE activity_tasks SET frozen = false WHERE frozen;

-- Only what can be claimed now is in the index that claims walk: a task that waits for its next attempt is put there by the clock of the
-- engine.
ALTER TABLE activity_tasks DROP CONSTRAINT activity_tasks_state_check;
ALTER TABLE activity_tasks ADD CONSTRAINT activity_tasks_state_check CHECK (state IN ('SCHEDULED', 'DELAYED', 'STARTED'));
CREATE INDEX activity_tasks_delayed ON activity_tasks (visible_at_us) WHERE state = 'DELAYED';
-- What a worker holds.
CREATE INDEX activity_tasks_of_worker ON activity_tasks (worker_id) WHERE state = 'STARTED';

-- When a timer is looked at next: when it fires, and later when a replica has taken it up and not come to an end.
ALTER TABLE workflow_timers ADD COLUMN look_at_us bigint;
UPDATE workflow_timers SET look_at_us = fire_at_us;
DROP INDEX workflow_timers_due;
CREATE INDEX workflow_timers_due ON workflow_timers (coalesce(look_at_us, fire_at_us));
